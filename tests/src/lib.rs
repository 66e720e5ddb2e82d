//! The whole system under test: the real programs in folders of their own. Nothing here is replaced by a copy made for tests.

pub mod device;
pub mod dice;
#[cfg(unix)]
pub mod disk;
#[cfg(target_os = "linux")]
pub mod link;
pub mod office;
pub mod process;
pub mod remote;
#[cfg(unix)]
pub mod simulation;
pub mod small_disk;
pub mod story;
pub mod wait;
pub mod window;
pub mod work;

pub use device::Device;
#[cfg(target_os = "linux")]
pub use link::Link;
pub use office::Office;
pub use small_disk::SmallDisk;
pub use window::Window;
