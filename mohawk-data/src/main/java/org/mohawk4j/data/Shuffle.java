package org.mohawk4j.data;

import java.util.Random;

/** Random orders that are the same on every machine and every Java. */
public final class Shuffle {
    private Shuffle() {}

    /**
     * Fills an array with the numbers from 0 in a random order.
     *
     * @param seed of a series of orders
     * @param index of this order in the series
     */
    public static void order(int[] order, long seed, long index) {
        for (int i = 0; i < order.length; i++) {
            order[i] = i;
        }
        // java.util.Random because its documentation fixes its numbers for every Java.
        Random random = new Random(mix(mix(seed) + index));
        for (int i = order.length - 1; i > 0; i--) {
            int j = random.nextInt(i + 1);
            int swapped = order[i];
            order[i] = order[j];
            order[j] = swapped;
        }
    }

    /**
     * Spreads neighboring seeds apart, since Random's first numbers from neighboring seeds resemble each other. The
     * finalizer of SplitMix64: Steele, Lea and Flood, Fast Splittable Pseudorandom Number Generators, OOPSLA 2014.
     */
    public static long mix(long value) {
        long z = value + 0x9E3779B97F4A7C15L;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
