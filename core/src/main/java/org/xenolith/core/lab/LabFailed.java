package org.xenolith.core.lab;

import java.io.IOException;

/** A lab cannot be started or checked here; the message is one sentence for the student. */
public final class LabFailed extends IOException {
    private static final long serialVersionUID = 1;

    LabFailed(String sentence) {
        super(sentence);
    }
}
