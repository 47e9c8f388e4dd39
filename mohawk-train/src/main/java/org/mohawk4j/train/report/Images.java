package org.mohawk4j.train.report;

import java.awt.AWTError;
import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Optional;
import javax.imageio.ImageIO;
import javax.imageio.stream.MemoryCacheImageOutputStream;

/** What the images of a report have in common. */
final class Images {
    /** Pixels per unit of layout, for screens of high resolution. */
    static final int DENSITY = 2;

    /** A gray that reads on white and on black, since images have no background of their own. */
    static final Color INK = new Color(0x7b828c);

    private Images() {}

    static Font font(int size) {
        return new Font(Font.SANS_SERIF, Font.PLAIN, size);
    }

    /**
     * Why this Java cannot draw text, if it cannot: a slim installation may lack fonts, or fontconfig, or a display that
     * its settings promise.
     */
    static Optional<String> whyNoText() {
        BufferedImage image = new BufferedImage(1, 1, BufferedImage.TYPE_INT_ARGB);
        try {
            Graphics2D graphics = image.createGraphics();
            graphics.getFontMetrics(font(12)).stringWidth("loss");
            graphics.dispose();
            return Optional.empty();
        } catch (RuntimeException | LinkageError | InternalError | AWTError e) {
            return Optional.of(e.toString());
        }
    }

    /** A transparent image of a size in units of layout, and graphics on it in these units, to be disposed of. */
    static BufferedImage transparent(int width, int height) {
        return new BufferedImage(width * DENSITY, height * DENSITY, BufferedImage.TYPE_INT_ARGB);
    }

    static Graphics2D graphics(BufferedImage image) {
        Graphics2D graphics = image.createGraphics();
        graphics.scale(DENSITY, DENSITY);
        graphics.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
        graphics.setRenderingHint(RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
        graphics.setRenderingHint(RenderingHints.KEY_STROKE_CONTROL, RenderingHints.VALUE_STROKE_PURE);
        return graphics;
    }

    /** The bytes of an image as PNG. */
    static byte[] png(BufferedImage image) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        // Not handing the bytes to ImageIO itself, which would pass them through a file.
        try (MemoryCacheImageOutputStream out = new MemoryCacheImageOutputStream(bytes)) {
            if (!ImageIO.write(image, "png", out)) {
                throw new IOException("this Java has no writer of PNG images");
            }
        }
        return bytes.toByteArray();
    }
}
