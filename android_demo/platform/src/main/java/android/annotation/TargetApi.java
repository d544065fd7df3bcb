package android.annotation;

import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;

/** Tells Android's lint from which API level on something is called. */
@Retention(RetentionPolicy.CLASS)
public @interface TargetApi {
    /** The API level. */
    int value();
}
