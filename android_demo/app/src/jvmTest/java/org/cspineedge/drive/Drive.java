package org.cspineedge.drive;

import android.content.Intent;
import android.net.Uri;
import android.os.Looper;
import android.view.View;
import android.widget.CompoundButton;
import android.widget.ScrollView;
import android.widget.SeekBar;
import android.widget.TextView;
import java.awt.image.BufferedImage;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeoutException;
import java.util.regex.Pattern;
import javax.imageio.ImageIO;
import org.cspineedge.platform.Configuration;
import org.cspineedge.platform.PaintedCamera;
import org.cspineedge.platform.Phone;

/**
 * Uses the app as a person would, by commands from standard input, one a line and its words separated by tabulators. Each
 * is answered by lines that end with {@code ok}, or by {@code failed} and the reason. The app's classes come from the class
 * path: those that javac made, or those of an APK.
 *
 * <p>Arguments: the app's folder {@code res}, and the folder of its assets.
 */
public final class Drive {
    private static final String PACKAGE = "org.cspineedge.app";
    private static final double PATIENCE_SECONDS = 30;

    private final File resources;
    private final File assets;
    private final PrintStream out;
    private Phone phone;

    private Drive(File resources, File assets, PrintStream out) {
        this.resources = resources;
        this.assets = assets;
        this.out = out;
    }

    /** Answers commands until standard input ends. */
    public static void main(String[] arguments) throws IOException {
        PrintStream out = new PrintStream(System.out, true, "UTF-8");
        Drive drive = new Drive(new File(arguments[0]), new File(arguments[1]), out);
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = commands.readLine(); line != null; line = commands.readLine()) {
            try {
                drive.answer(line.split("\t"));
                out.println("ok");
            } catch (Exception | StackOverflowError error) {
                error.printStackTrace();
                out.println("failed\t" + error);
            }
        }
        System.exit(0); // threads of the app may still be waiting for work
    }

    private void answer(String[] words) throws Exception {
        switch (words[0]) {
            case "start" -> start(words);
            case "send" -> phone.send(intent(words, 1));
            case "click" -> click(words[1]);
            case "drag" -> phone.<SeekBar>view(words[1]).jvmDrag(Integer.parseInt(words[2]));
            case "choose" -> phone.choose(words.length > 1 ? uri(words[1]) : null);
            case "camera" -> phone.allowCamera(words[1].equals("allow"));
            case "change" -> phone.change(configuration(words));
            case "kill" -> phone.kill();
            case "back" -> phone.back();
            case "end" -> phone.end();
            case "until" -> until(words[1], words[2]);
            case "has" -> print(String.valueOf(phone.views().contains(phone.<View>view(words[1]))));
            case "text" -> print(phone.<TextView>view(words[1]).getText());
            case "bounds" -> bounds(phone.view(words[1]));
            case "sleep" -> sleep(Integer.parseInt(words[1]));
            case "started" -> started();
            case "finished" -> print(String.valueOf(phone.isFinished()));
            case "views" -> views();
            case "scroll" -> ((ScrollView) phone.<android.view.ViewGroup>view("screen").getChildAt(0))
                    .jvmScrollTo(Integer.parseInt(words[1]));
            case "paint" -> ImageIO.write(phone.paint(), "png", new File(words[1]));
            default -> throw new IllegalArgumentException("unknown command " + words[0]);
        }
        if (phone != null && !words[0].equals("end")) {
            phone.layout();
        }
    }

    /** {@code start WIDTH HEIGHT DENSITY FONT NIGHT ROTATION CAMERA ACTION [FILE...]}; sizes are in dp. */
    private void start(String[] words) throws ReflectiveOperationException, IOException {
        phone = new Phone(PACKAGE, resources, assets, Drive.class.getClassLoader(), configuration(words));
        if (!words[7].isEmpty()) {
            BufferedImage seen = ImageIO.read(new File(words[7]));
            phone.setCamera(new PaintedCamera(seen));
        }
        phone.start(intent(words, 8));
    }

    private static Configuration configuration(String[] words) {
        float density = Float.parseFloat(words[3]);
        return new Configuration(
                Math.round(Float.parseFloat(words[1]) * density),
                Math.round(Float.parseFloat(words[2]) * density),
                density,
                Float.parseFloat(words[4]),
                Boolean.parseBoolean(words[5]),
                Integer.parseInt(words[6]));
    }

    private static Intent intent(String[] words, int at) {
        Intent intent = new Intent("android.intent.action." + words[at]);
        List<Uri> files = new ArrayList<>();
        for (String path : Arrays.asList(words).subList(at + 1, words.length)) {
            files.add(uri(path));
        }
        switch (words[at]) {
            case "VIEW" -> intent.setData(files.get(0));
            case "SEND" -> intent.putExtra(Intent.EXTRA_STREAM, files.get(0));
            case "SEND_MULTIPLE" -> intent.putParcelableArrayListExtra(Intent.EXTRA_STREAM, new ArrayList<>(files));
            default -> {}
        }
        return intent;
    }

    private static Uri uri(String path) {
        return Uri.parse("content://files" + path);
    }

    /** Clicks what has this number, or after {@code =} this text; only what is to be seen and can be used. */
    private void click(String what) {
        for (View view : phone.views()) {
            boolean meant = what.startsWith("=")
                    ? view instanceof TextView text && text.getText().toString().equals(what.substring(1))
                    : view == phone.view(what);
            if (meant) {
                if (!view.isEnabled() || !view.isClickable()) {
                    throw new IllegalStateException(what + " cannot be clicked now");
                }
                view.performClick();
                return;
            }
        }
        throw new IllegalStateException(what + " is not to be seen");
    }

    /** Waits until a view is shown, gone, enabled, or has a text that contains a regular expression. */
    private void until(String name, String state) throws TimeoutException, InterruptedException {
        Pattern pattern = Pattern.compile(state.startsWith("~") ? state.substring(1) : "", Pattern.DOTALL);
        Looper.jvmRunUntil(() -> {
            View view = phone.view(name);
            boolean shown = phone.views().contains(view);
            return switch (state) {
                case "shown" -> shown;
                case "gone" -> !shown;
                case "enabled" -> shown && view.isEnabled();
                default -> shown && pattern.matcher(((TextView) view).getText()).find();
            };
        }, PATIENCE_SECONDS);
    }

    /** Runs the main thread's tasks for a while. */
    private static void sleep(int milliseconds) throws TimeoutException, InterruptedException {
        long end = System.nanoTime() + milliseconds * 1_000_000L;
        Looper.jvmRunUntil(() -> System.nanoTime() - end > 0, PATIENCE_SECONDS);
    }

    /** Left, top, right and bottom on the screen, in pixels. */
    private void bounds(View view) {
        int[] place = new int[2];
        view.getLocationInWindow(place);
        print(place[0] + " " + place[1] + " " + (place[0] + view.getWidth()) + " " + (place[1] + view.getHeight()));
    }

    private void started() {
        Intent intent = phone.started();
        Intent inner = intent.getParcelableExtra(Intent.EXTRA_INTENT);
        Intent asked = inner == null ? intent : inner;
        print(String.valueOf(asked.getAction()));
        print(String.valueOf(asked.getType()));
        print(String.valueOf(asked.getStringExtra(Intent.EXTRA_TITLE)));
        print(String.valueOf(asked.getStringExtra(Intent.EXTRA_TEXT)));
    }

    /** A line for each view that is shown: class, text, width and height, and what holds of it. */
    private void views() {
        for (View view : phone.views()) {
            List<String> facts = new ArrayList<>();
            addIf(facts, view.jvmIsClipped(), "clipped");
            addIf(facts, view.isClickable(), "clickable");
            addIf(facts, view.isEnabled(), "enabled");
            addIf(facts, view.jvmIsUnimportant(), "unimportant");
            addIf(facts, view.getContentDescription() != null, "described");
            addIf(facts, view instanceof CompoundButton button && button.isChecked(), "checked");
            String text = view instanceof TextView shown ? shown.getText().toString() : "";
            print(view.getClass().getSimpleName() + "\t" + text + "\t" + view.getWidth() + "\t" + view.getHeight()
                    + "\t" + String.join(" ", facts));
        }
    }

    private static void addIf(List<String> facts, boolean holds, String fact) {
        if (holds) {
            facts.add(fact);
        }
    }

    private void print(CharSequence text) {
        out.println("= " + text.toString().replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r"));
    }
}
