package android.annotation;

import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;

/** Tells Android's lint to keep silent. */
@Retention(RetentionPolicy.CLASS)
public @interface SuppressLint {
    /** Names of its checks. */
    String[] value();
}
