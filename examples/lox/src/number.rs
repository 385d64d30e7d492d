//! How numbers are printed: six significant digits, as C's `%g`.
//!
//! The language's reference implementation prints with `%g`, so its test programs expect
//! `0.1 + 0.2` to print `0.3`, a million `1e+06`, and a third `0.333333`. NaN prints `nan` whatever
//! its sign: C leaves the sign to the machine, and a program's output should not depend on it.

use std::fmt;

const DIGITS: usize = 6;

/// A number, displayed as `%g` does.
pub(crate) struct General(pub(crate) f64);

impl fmt::Display for General {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.0;
        if number.is_nan() {
            return f.write_str("nan");
        }
        if number.is_infinite() {
            return f.write_str(if number < 0.0 { "-inf" } else { "inf" });
        }
        // Rounding may carry into a new digit, so the exponent is that of the rounded number.
        let rounded = format!("{number:.*e}", DIGITS - 1);
        let (mantissa, exponent) = rounded.split_once('e').unwrap_or((&rounded, "0"));
        let exponent: i32 = exponent.parse().unwrap_or(0);
        if (-4..6).contains(&exponent) {
            let decimals = usize::try_from(5 - exponent).unwrap_or(0);
            f.write_str(without_trailing_zeros(&format!("{number:.decimals$}")))
        } else {
            let sign = if exponent < 0 { '-' } else { '+' };
            write!(f, "{}e{sign}{:02}", without_trailing_zeros(mantissa), exponent.abs())
        }
    }
}

fn without_trailing_zeros(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

#[cfg(test)]
mod tests {
    use super::General;

    #[test]
    fn prints_as_percent_g_does() {
        for (number, expected) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (3.0, "3"),
            (-3.25, "-3.25"),
            (0.1 + 0.2, "0.3"),
            (1.0 / 3.0, "0.333333"),
            (2.0 / 3.0, "0.666667"),
            (123_456.0, "123456"),
            (1_234_567.0, "1.23457e+06"),
            (1_234_565.0, "1.23456e+06"),
            (999_999.0, "999999"),
            (999_999.5, "1e+06"),
            (1_000_000.0, "1e+06"),
            (1e21, "1e+21"),
            (1e100, "1e+100"),
            (-2.5e-7, "-2.5e-07"),
            (0.0001, "0.0001"),
            (0.000_099_999_95, "0.0001"),
            (0.000_01, "1e-05"),
            (5e-324, "4.94066e-324"),
            (f64::MAX, "1.79769e+308"),
            (100.0, "100"),
            (0.5, "0.5"),
            (123_456.5, "123456"),
            (123_457.5, "123458"),
            (2.5, "2.5"),
            (1e5, "100000"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "nan"),
            (-f64::NAN, "nan"),
        ] {
            assert_eq!(General(number).to_string(), expected, "{number:e}");
        }
    }
}
