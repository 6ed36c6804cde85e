//! Numbers as lower-case hexadecimal digits.

/// Fills `digits` with the low bits of `value`.
pub fn hex(digits: &mut [u8], mut value: u64) {
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789abcdef"[value as usize & 15];
        value >>= 4;
    }
}

/// Reads lower-case digits; `None` for anything else. Of more than 16 digits the last count.
pub fn unhex(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |value, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(value << 4 | u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_read_as_written() {
        for value in [0, 1, 0x0123_4567_89ab_cdef, u64::MAX] {
            let mut digits = [0; 16];
            hex(&mut digits, value);
            assert_eq!(unhex(&digits), Some(value));
        }
        assert_eq!(unhex(b"0A"), None);
        let mut short = [0; 2];
        hex(&mut short, 0xabc);
        assert_eq!(&short, b"bc");
    }
}
