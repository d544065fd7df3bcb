"""The scanner app as an APK: :mod:`.assembly` builds it around a model, :mod:`.verification` examines it."""
