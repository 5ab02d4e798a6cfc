//! The seam between the engine and the system: everything that touches a file goes through here.
//!
//! [`OsVfs`] is the real thing, [`MemVfs`] keeps files in memory, and [`SimVfs`] injects faults and
//! power cuts. All three pass the same conformance tests. Errors name the operation and the file;
//! where a method says nothing else, they are [`crate::ErrorKind::Io`] with the system's reason.

mod clock;
#[cfg(test)]
mod conformance;
mod locks;
mod mem;
mod mem_file;
mod mounts;
mod names;
mod os;
mod os_file;
mod os_lock;
mod os_log;
mod os_vfs;
mod positioned;
mod seam;
mod sim;
mod sim_cache;
mod sim_disk;
mod sim_fault;
mod sim_file;
mod sim_loss;
mod sim_pages;
#[cfg(test)]
mod sim_promises;

pub use crate::vfs::clock::SystemClock;
pub use crate::vfs::mem::MemVfs;
pub use crate::vfs::os_vfs::{IoMode, LogMode, OsVfs};
pub use crate::vfs::seam::{LockGuard, LogFile, ReadFile, Vfs, WriteFile};
pub use crate::vfs::sim::SimVfs;
pub use crate::vfs::sim_fault::{Operation, OperationKind, SyncFailure};
pub use crate::vfs::sim_loss::{LossPattern, loss_patterns};
