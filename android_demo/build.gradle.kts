plugins {
    alias(libs.plugins.android.application) apply false
}

// `gradle wrapper` writes the wrapper scripts for this version.
tasks.wrapper {
    gradleVersion = "8.14.3"
}
