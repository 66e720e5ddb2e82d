//! The whole system under test: the real programs in folders of their own. Nothing here is replaced by a copy made for tests.

pub mod device;
pub mod office;
pub mod process;
pub mod story;
pub mod wait;
pub mod window;

pub use device::Device;
pub use office::Office;
pub use window::Window;
