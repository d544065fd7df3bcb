package android.os;

/** Something that can be handed from app to app; here only a name for it. */
public interface Parcelable {}
