package org.xenolith.core.explain;

/** What is explained: one file of texts each, and one page of docs/reference. */
public enum Kind {
    HYPERCALL("hypercalls", "Hypercalls", "Hypercall"),
    OPERATION("operations", "Operations of hypercalls", "Operation"),
    ERROR("errors", "Error numbers", "Error number"),
    GRANT_STATUS("grant_status", "Status of grant operations", "Status of a grant operation"),
    EVENT("events", "Events", "Event"),
    START_INFO("start_info", "start_info", "Field of start_info"),
    SHARED_INFO("shared_info", "shared_info and vcpu_info", "Field of the shared page"),
    STORE_PATH("xenstore", "Paths in xenstore", "Path in xenstore");

    private final String file;
    private final String title;
    private final String singular;

    Kind(String file, String title, String singular) {
        this.file = file;
        this.title = title;
        this.singular = singular;
    }

    /** Name of the text file and of the page, without their endings. */
    public String file() {
        return file;
    }

    /** Heading of the page. */
    public String title() {
        return title;
    }

    /** What one of them is called. */
    public String singular() {
        return singular;
    }
}
