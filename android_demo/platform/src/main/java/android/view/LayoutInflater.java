package android.view;

import android.content.Context;
import android.util.AttributeSet;
import org.cspineedge.platform.XmlAttributes;
import org.w3c.dom.Element;
import org.w3c.dom.Node;

/** Makes views of layouts. */
public abstract class LayoutInflater {
    /** Makes the views of a layout, with the parameters that a parent takes. */
    public View inflate(int resource, ViewGroup root, boolean attach) {
        Context context = jvmContext();
        String name = context.getResources().jvmFolder().name(resource);
        View view = make(context.getResources().jvmFolder().xml("layout/" + name), context, root);
        if (attach) {
            root.addView(view);
        }
        return view;
    }

    /** Not Android's: for whom. */
    protected abstract Context jvmContext();

    private static View make(Element element, Context context, ViewGroup parent) {
        XmlAttributes attributes = new XmlAttributes(element, context);
        View view = construct(element.getTagName(), context, attributes);
        if (parent != null) {
            view.setLayoutParams(parent.generateLayoutParams(attributes));
        }
        for (Node node = element.getFirstChild(); node != null; node = node.getNextSibling()) {
            if (node instanceof Element child) {
                ViewGroup group = (ViewGroup) view;
                group.addView(make(child, context, group));
            }
        }
        return view;
    }

    private static View construct(String tag, Context context, AttributeSet attributes) {
        ClassLoader loader = context.getClass().getClassLoader();
        String[] candidates = tag.indexOf('.') > 0
                ? new String[] {tag}
                : new String[] {"android.widget." + tag, "android.view." + tag};
        for (String name : candidates) {
            try {
                Class<?> type = Class.forName(name, true, loader);
                return (View) type.getConstructor(Context.class, AttributeSet.class).newInstance(context, attributes);
            } catch (ClassNotFoundException next) {
                continue;
            } catch (ReflectiveOperationException error) {
                throw new IllegalStateException(tag, error);
            }
        }
        throw new IllegalStateException("this stand-in has no view " + tag);
    }
}
