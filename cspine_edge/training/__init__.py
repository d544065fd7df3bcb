"""Training on the workstation; needs the ``train`` extra (TensorFlow with tf_keras)."""
