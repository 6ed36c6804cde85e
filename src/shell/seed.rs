//! Where randomness begins: the kernel has it.

use std::io;

/// What nobody outside can guess; waits until the kernel has it.
///
/// # Errors
/// The kernel's; none is known.
pub fn seed() -> io::Result<[u64; 2]> {
    let mut seed = [0; 2];
    for word in &mut seed {
        let mut bytes = [0; 8];
        rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())?;
        *word = u64::from_ne_bytes(bytes);
    }
    Ok(seed)
}
