package org.xenolith.core.cli.value;

import org.xenolith.core.abi.SharedInfo;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A number of virtual CPUs; of QEMU's {@code cpus=4,sockets=1} only the number counts. */
public record VcpuCount(int value) {
    /** As many as have their {@code vcpu_info} in the shared info page. */
    public static final int MAXIMUM = SharedInfo.LEGACY_MAX_VCPUS;

    private static final Pattern SYNTAX = Pattern.compile("(?:cpus=)?(\\d{1,5})(?:,.*)?");

    /**
     * @throws TypeConversionException when it is no number from 1 to {@link #MAXIMUM}
     */
    public static VcpuCount parse(String text) {
        Matcher matcher = SYNTAX.matcher(text.strip());
        int value = matcher.matches() ? Integer.parseInt(matcher.group(1)) : 0;
        if (value < 1 || value > MAXIMUM) {
            throw new TypeConversionException(
                    "'" + text + "' is no number of CPUs: write 1 to " + MAXIMUM);
        }
        return new VcpuCount(value);
    }

    /** For Picocli. */
    public static final class Converter implements ITypeConverter<VcpuCount> {
        @Override
        public VcpuCount convert(String text) {
            return parse(text);
        }
    }
}
