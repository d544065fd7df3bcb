"""From Keras to TFLite, one module per transformation; needs the ``train`` extra."""
