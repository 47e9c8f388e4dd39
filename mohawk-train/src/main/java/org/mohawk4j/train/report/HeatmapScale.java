package org.mohawk4j.train.report;

/** How far along the colors a magnitude lies, given the magnitude at their end. */
public enum HeatmapScale {
    /** In proportion. */
    LINEAR {
        @Override
        double position(double share) {
            return share;
        }
    },
    /** As the square root: small values are easier to see. */
    SQRT {
        @Override
        double position(double share) {
            return Math.sqrt(share);
        }
    },
    /** As the logarithm over three decades; what is smaller is shown as zero. Apt for attention. */
    LOG {
        @Override
        double position(double share) {
            return share <= 0 ? 0 : Math.max(0, 1 + Math.log10(share) / DECADES);
        }
    };

    private static final double DECADES = 3;

    /** From 0 to 1, for a share of the largest magnitude from 0 to 1. */
    abstract double position(double share);
}
