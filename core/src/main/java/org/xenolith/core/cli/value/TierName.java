package org.xenolith.core.cli.value;

import org.xenolith.cpu.translate.Tier;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** A tier as the command line writes it: its constant's name in lower case. */
public final class TierName implements ITypeConverter<Tier> {
    @Override
    public Tier convert(String text) {
        for (Tier tier : Tier.values()) {
            if (nameOf(tier).equals(text.strip().toLowerCase(Locale.ROOT))) {
                return tier;
            }
        }
        throw new TypeConversionException("'" + text + "' is no tier: choose from " + all());
    }

    /** All there are, as a sentence lists them. */
    public static String all() {
        return Arrays.stream(Tier.values()).map(TierName::nameOf).collect(Collectors.joining(", "));
    }

    private static String nameOf(Tier tier) {
        return tier.name().toLowerCase(Locale.ROOT);
    }
}
