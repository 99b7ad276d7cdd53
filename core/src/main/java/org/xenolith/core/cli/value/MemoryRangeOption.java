package org.xenolith.core.cli.value;

import org.xenolith.core.config.ConfigException;
import org.xenolith.core.config.MemoryRange;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Memory on the command line. */
public final class MemoryRangeOption implements ITypeConverter<MemoryRange> {
    @Override
    public MemoryRange convert(String text) {
        try {
            return MemoryRange.parse(text);
        } catch (ConfigException e) {
            throw new TypeConversionException(e.getMessage());
        }
    }
}
