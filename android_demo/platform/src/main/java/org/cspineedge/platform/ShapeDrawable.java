package org.cspineedge.platform;

import android.graphics.drawable.Drawable;
import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.geom.RoundRectangle2D;
import org.w3c.dom.Element;
import org.w3c.dom.Node;

/** Backgrounds: plain colours, and rectangles of {@code shape}, {@code selector} and {@code ripple} documents. */
public final class ShapeDrawable extends Drawable {
    private static final String ANDROID = "android:";

    private final float radius;
    private final int fill;
    private final float strokeWidth;
    private final int stroke;
    private final ShapeDrawable disabled;

    private ShapeDrawable(float radius, int fill, float strokeWidth, int stroke, ShapeDrawable disabled) {
        this.radius = radius;
        this.fill = fill;
        this.strokeWidth = strokeWidth;
        this.stroke = stroke;
        this.disabled = disabled;
    }

    /** From a reference to a colour or to a file of {@code res/drawable}. */
    public static ShapeDrawable of(String reference, ResourceFolder folder, boolean night, float density) {
        if (reference.startsWith("@drawable/")) {
            return of(folder.xml(reference.substring(1)), folder, night, density);
        }
        return new ShapeDrawable(0, folder.color(reference, night), 0, 0, null);
    }

    private static ShapeDrawable of(Element element, ResourceFolder folder, boolean night, float density) {
        if (element.getTagName().equals("shape")) {
            Element corners = child(element, "corners");
            Element solid = child(element, "solid");
            Element stroke = child(element, "stroke");
            return new ShapeDrawable(
                    corners == null ? 0 : dp(corners, "radius", density),
                    folder.color(solid.getAttribute(ANDROID + "color"), night),
                    stroke == null ? 0 : dp(stroke, "width", density),
                    stroke == null ? 0 : folder.color(stroke.getAttribute(ANDROID + "color"), night),
                    null);
        }
        ShapeDrawable disabled = null;
        ShapeDrawable always = null;
        for (Node node = element.getFirstChild(); node != null; node = node.getNextSibling()) {
            if (node instanceof Element item) {
                ShapeDrawable inner = of(firstChild(item), folder, night, density);
                if (item.getAttribute(ANDROID + "state_enabled").equals("false")) {
                    disabled = inner;
                } else {
                    always = inner;
                }
            }
        }
        return new ShapeDrawable(always.radius, always.fill, always.strokeWidth, always.stroke, disabled);
    }

    private static Element firstChild(Element element) {
        for (Node node = element.getFirstChild(); node != null; node = node.getNextSibling()) {
            if (node instanceof Element child) {
                return child;
            }
        }
        return element;
    }

    private static Element child(Element element, String name) {
        return (Element) element.getElementsByTagName(name).item(0);
    }

    private static float dp(Element element, String name, float density) {
        return Float.parseFloat(element.getAttribute(ANDROID + name).replace("dp", "")) * density;
    }

    @Override
    public void jvmPaint(Graphics2D graphics, int width, int height, boolean enabled) {
        if (!enabled && disabled != null) {
            disabled.jvmPaint(graphics, width, height, true);
            return;
        }
        float half = strokeWidth / 2;
        RoundRectangle2D shape = new RoundRectangle2D.Float(
                half, half, width - strokeWidth, height - strokeWidth, 2 * radius, 2 * radius);
        graphics.setColor(new Color(fill, true));
        graphics.fill(shape);
        if (strokeWidth > 0) {
            graphics.setColor(new Color(stroke, true));
            graphics.setStroke(new BasicStroke(strokeWidth));
            graphics.draw(shape);
        }
    }
}
