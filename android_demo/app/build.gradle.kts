import javax.inject.Inject

plugins {
    alias(libs.plugins.android.application)
}

java {
    toolchain {
        languageVersion.set(JavaLanguageVersion.of(17))
    }
}

android {
    namespace = "org.cspineedge.app"
    compileSdk = 35

    defaultConfig {
        applicationId = "org.cspineedge.app"
        minSdk = 24
        targetSdk = 35
        versionCode = 100 // two digits for each part of the name after the first
        versionName = "0.1.0"
    }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_17
        targetCompatibility = JavaVersion.VERSION_17
    }

    // Which interpreters are in the APK: the class Engines of each flavor's source set names them.
    flavorDimensions += "engine"
    productFlavors {
        create("litert") {
            dimension = "engine"
            isDefault = true
        }
        create("offline") {
            dimension = "engine"
        }
    }

    buildTypes {
        release {
            // Nothing to shrink: no library but LiteRT's few classes, and a report's stack traces stay readable.
            isMinifyEnabled = false
        }
    }

    androidResources {
        noCompress += "tflite"
    }
}

dependencies {
    implementation(project(":core"))
    "litertImplementation"(libs.litert)
}

tasks.withType<JavaCompile>().configureEach {
    options.encoding = "UTF-8"
    options.compilerArgs.add("-Xlint:all")
}

/** Copies the models that ship from the repository's `models/`, under the names the app asks for. */
abstract class CopyModels : DefaultTask() {
    @get:InputFile
    @get:PathSensitive(PathSensitivity.NONE)
    abstract val standard: RegularFileProperty

    @get:InputFile
    @get:PathSensitive(PathSensitivity.NONE)
    abstract val fast: RegularFileProperty

    @get:OutputDirectory
    abstract val assets: DirectoryProperty

    @get:Inject
    abstract val files: FileSystemOperations

    @TaskAction
    fun copy() {
        files.sync {
            into(assets.dir("models"))
            from(standard) { rename { "default.tflite" } }
            from(fast) { rename { "fast.tflite" } }
        }
    }
}

val shipped = rootProject.layout.projectDirectory.dir("../models")
val copyModels = tasks.register<CopyModels>("copyModels") {
    standard.set(shipped.file("mobilenet-a1.0-224-int8-qat.tflite"))
    fast.set(shipped.file("mobilenet-a0.25-b11-272-int8.tflite"))
}

androidComponents {
    onVariants { variant ->
        variant.sources.assets?.addGeneratedSourceDirectory(copyModels, CopyModels::assets)
    }
}
