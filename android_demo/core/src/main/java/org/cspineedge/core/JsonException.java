package org.cspineedge.core;

/** A document that is not JSON, or does not have the stated form; the message names the place or the field. */
final class JsonException extends Exception {
    private static final long serialVersionUID = 1L;

    JsonException(String message) {
        super(message);
    }
}
