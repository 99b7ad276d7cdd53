package org.xenolith.devices.net;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Numbers with units, as options have them. */
final class Quantity {
    private static final Pattern FORM = Pattern.compile("([0-9]{1,12}(?:\\.[0-9]{1,9})?)([a-z%]*)");

    private static final Map<String, BigDecimal> NANOS =
            Map.of("us", power(3), "ms", power(6), "s", power(9));
    private static final Map<String, BigDecimal> BITS =
            Map.of("bit", power(0), "kbit", power(3), "mbit", power(6), "gbit", power(9));
    private static final Map<String, BigDecimal> SHARES = Map.of("%", power(-2));

    /** Three years in nanoseconds, a tenth of an exabit: sums of a few stay within a long. */
    private static final BigDecimal MAXIMUM = power(17);

    private Quantity() {}

    private static BigDecimal power(int exponent) {
        return BigDecimal.ONE.scaleByPowerOfTen(exponent);
    }

    static long nanos(String name, String text) {
        return whole(name, text, NANOS, "a time like 10ms, 250us or 1s");
    }

    /** A time as {@link #nanos} reads it. */
    static String micros(long nanos) {
        return BigDecimal.valueOf(nanos, 3).toPlainString() + "us";
    }

    /** A share as {@link #share} reads it. */
    static String percent(double share) {
        return BigDecimal.valueOf(share)
                        .movePointRight(2)
                        .setScale(9, RoundingMode.HALF_UP)
                        .toPlainString()
                + "%";
    }

    static long bitsPerSecond(String name, String text) {
        return whole(name, text, BITS, "a rate like 10mbit, 56kbit or 1gbit");
    }

    /** Of the whole: 0 to 1 if the user is reasonable. */
    static double share(String name, String text) {
        return number(name, text, SHARES, "a share like 1% or 0.5%").doubleValue();
    }

    static long integer(String name, String text) {
        if (!text.matches("-?[0-9]{1,18}")) {
            throw new IllegalArgumentException(name + " needs an integer, not '" + text + "'");
        }
        return Long.parseLong(text);
    }

    private static long whole(
            String name, String text, Map<String, BigDecimal> units, String example) {
        return number(name, text, units, example).setScale(0, RoundingMode.HALF_UP).longValue();
    }

    private static BigDecimal number(
            String name, String text, Map<String, BigDecimal> units, String example) {
        Matcher matcher = FORM.matcher(text);
        BigDecimal unit = matcher.matches() ? units.get(matcher.group(2)) : null;
        BigDecimal number =
                unit == null ? MAXIMUM : new BigDecimal(matcher.group(1)).multiply(unit);
        if (number.compareTo(MAXIMUM) >= 0) {
            throw new IllegalArgumentException(name + " needs " + example + ", not '" + text + "'");
        }
        return number;
    }
}
