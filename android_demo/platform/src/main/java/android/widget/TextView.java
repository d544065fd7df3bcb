package android.widget;

import android.content.Context;
import android.graphics.Canvas;
import android.util.AttributeSet;
import android.view.View;
import java.awt.Color;
import java.awt.Font;
import java.awt.FontMetrics;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.List;
import org.cspineedge.platform.XmlAttributes;
import org.w3c.dom.Element;

/** Text, broken into lines at spaces; in the JVM's sans serif font, which is not Android's. */
public class TextView extends View {
    private static final Graphics2D SCRATCH =
            new BufferedImage(1, 1, BufferedImage.TYPE_INT_ARGB).createGraphics();

    private final boolean centered;
    private final Font font;
    private CharSequence text;
    private int color = 0xFF000000;
    private int disabledColor = 0xFF808080;

    /** As layouts make it. */
    public TextView(Context context, AttributeSet attributes) {
        super(context, attributes);
        XmlAttributes xml = (XmlAttributes) attributes;
        centered = "center".equals(xml.text("gravity"));
        int size = xml.pixels("textSize", Math.round(14 * getResources().getDisplayMetrics().scaledDensity));
        font = new Font(Font.SANS_SERIF, "bold".equals(xml.text("textStyle")) ? Font.BOLD : Font.PLAIN, size);
        String written = xml.text("text");
        text = written == null ? "" : written;
        String wanted = xml.text("textColor");
        if (wanted != null && xml.folder().isStateful(wanted)) {
            Element list = xml.folder().xml(wanted.substring(1));
            for (int i = 0; i < list.getElementsByTagName("item").getLength(); i++) {
                Element item = (Element) list.getElementsByTagName("item").item(i);
                int value = xml.folder().color(item.getAttribute("android:color"), xml.night());
                if (item.hasAttribute("android:state_enabled")) {
                    disabledColor = value;
                } else {
                    color = value;
                }
            }
        } else if (wanted != null) {
            setTextColor(xml.folder().color(wanted, xml.night()));
        }
    }

    /** Sets the text. */
    public final void setText(CharSequence value) {
        text = value == null ? "" : value;
    }

    /** Sets the text to a resource. */
    public final void setText(int resource) {
        text = getResources().getString(resource);
    }

    /** The text. */
    public CharSequence getText() {
        return text;
    }

    /** Sets the colour. */
    public void setTextColor(int value) {
        color = value;
        disabledColor = value;
    }

    /** Not Android's: what stands before the text. */
    protected int jvmIndent() {
        return 0;
    }

    @Override
    protected void onMeasure(int widthMeasureSpec, int heightMeasureSpec) {
        FontMetrics metrics = SCRATCH.getFontMetrics(font);
        int sides = getPaddingLeft() + getPaddingRight() + jvmIndent();
        int room = MeasureSpec.getMode(widthMeasureSpec) == MeasureSpec.UNSPECIFIED
                ? Integer.MAX_VALUE
                : MeasureSpec.getSize(widthMeasureSpec) - sides;
        int widest = 0;
        List<String> lines = lines(metrics, room);
        for (String line : lines) {
            widest = Math.max(widest, metrics.stringWidth(line));
        }
        int height = lines.size() * metrics.getHeight() + getPaddingTop() + getPaddingBottom();
        setMeasuredDimension(
                resolveSize(widest + sides, widthMeasureSpec),
                resolveSize(Math.max(getMinimumHeight(), height), heightMeasureSpec));
    }

    private List<String> lines(FontMetrics metrics, int room) {
        List<String> lines = new ArrayList<>();
        for (String paragraph : text.toString().split("\n", -1)) {
            String line = "";
            for (String word : paragraph.split(" ", -1)) {
                String longer = line.isEmpty() ? word : line + " " + word;
                if (!line.isEmpty() && metrics.stringWidth(longer) > room) {
                    lines.add(line);
                    longer = word;
                }
                while (metrics.stringWidth(longer) > room && longer.length() > 1) { // a word that is wider: cut it
                    int fits = 1;
                    while (metrics.stringWidth(longer.substring(0, fits + 1)) <= room) {
                        fits++;
                    }
                    lines.add(longer.substring(0, fits));
                    longer = longer.substring(fits);
                }
                line = longer;
            }
            lines.add(line);
        }
        return lines;
    }

    @Override
    protected void onDraw(Canvas canvas) {
        Graphics2D graphics = canvas.jvmGraphics();
        graphics.setFont(font);
        graphics.setColor(new Color(isEnabled() ? color : disabledColor, true));
        FontMetrics metrics = graphics.getFontMetrics();
        int left = getPaddingLeft() + jvmIndent();
        int room = getWidth() - left - getPaddingRight();
        List<String> lines = lines(metrics, room);
        int y = (getHeight() - getPaddingTop() - getPaddingBottom() - lines.size() * metrics.getHeight()) / 2;
        y = getPaddingTop() + Math.max(0, y) + metrics.getAscent();
        for (String line : lines) {
            int x = centered ? left + (room - metrics.stringWidth(line)) / 2 : left;
            graphics.drawString(line, x, y);
            y += metrics.getHeight();
        }
    }

    @Override
    public boolean jvmIsClipped() {
        FontMetrics metrics = SCRATCH.getFontMetrics(font);
        int room = getWidth() - getPaddingLeft() - getPaddingRight() - jvmIndent();
        int needed = lines(metrics, room).size() * metrics.getHeight() + getPaddingTop() + getPaddingBottom();
        return needed > getHeight() || room < metrics.charWidth('m');
    }
}
