package org.cspineedge.app;

/** Something that the user has to be told; the work it ends leaves all as it was. */
final class TroubleException extends Exception {
    private static final long serialVersionUID = 1L;

    private final transient Notice notice;

    TroubleException(int sentence, Object... arguments) {
        this.notice = Notice.of(sentence, arguments);
    }

    Notice notice() {
        return notice;
    }
}
