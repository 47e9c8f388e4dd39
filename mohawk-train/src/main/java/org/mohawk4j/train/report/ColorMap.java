package org.mohawk4j.train.report;

/**
 * Colors whose perceived lightness grows in equal steps with the number they stand for, so that equal differences look
 * equal, also in gray and to color-blind eyes. Computed in Björn Ottosson's OKLab
 * (bottosson.github.io/posts/oklab), in which lightness is one coordinate.
 */
final class ColorMap {
    private static final double DARKEST = 0.17;
    private static final double LIGHTEST = 0.96;

    private ColorMap() {}

    /**
     * The color of a number from −1 to 1; what lies beyond takes the color of the end. Zero is nearly black; positive
     * numbers grow lighter through violet, red and orange to yellow, negative ones through blue to cyan.
     */
    static int signed(double value) {
        double magnitude = Math.min(1, Math.abs(value));
        double lightness = DARKEST + (LIGHTEST - DARKEST) * magnitude;
        // Little color at both ends, where there is little to see.
        double chroma = 0.03 + 0.17 * Math.sin(Math.PI * Math.pow(magnitude, 0.8));
        double hue = value >= 0 ? 285 + 180 * Math.pow(magnitude, 0.9) : 275 - 85 * magnitude;
        return oklch(lightness, chroma, hue);
    }

    /**
     * Colors of one lightness along a scale, for lines; they stand out from white as from black.
     *
     * @param position from 0 to 1
     */
    static int line(double position) {
        return oklch(0.62 + 0.1 * position, 0.16, 262 + 160 * position);
    }

    /** The sRGB color 0xRRGGBB of an OKLCh color, its chroma lowered until a screen can show it. */
    static int oklch(double lightness, double chroma, double hueDegrees) {
        double hue = Math.toRadians(hueDegrees);
        double shown = chroma;
        double[] rgb = linearRgb(lightness, shown, hue);
        while (shown > 0 && !isShowable(rgb)) {
            shown = Math.max(0, shown - 0.002);
            rgb = linearRgb(lightness, shown, hue);
        }
        return gamma(rgb[0]) << 16 | gamma(rgb[1]) << 8 | gamma(rgb[2]);
    }

    private static double[] linearRgb(double lightness, double chroma, double hue) {
        double a = chroma * Math.cos(hue);
        double b = chroma * Math.sin(hue);
        double l = cube(lightness + 0.3963377774 * a + 0.2158037573 * b);
        double m = cube(lightness - 0.1055613458 * a - 0.0638541728 * b);
        double s = cube(lightness - 0.0894841775 * a - 1.2914855480 * b);
        return new double[] {
            4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
            -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
            -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s
        };
    }

    private static double cube(double x) {
        return x * x * x;
    }

    private static boolean isShowable(double[] rgb) {
        for (double channel : rgb) {
            if (channel < -1e-4 || channel > 1 + 1e-4) {
                return false;
            }
        }
        return true;
    }

    private static int gamma(double linear) {
        double clipped = Math.max(0, Math.min(1, linear));
        double encoded = clipped <= 0.0031308 ? 12.92 * clipped : 1.055 * Math.pow(clipped, 1 / 2.4) - 0.055;
        return (int) Math.round(255 * encoded);
    }
}
