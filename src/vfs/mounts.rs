//! Which type of file system a file is on, by its device number in the kernel's mount table.
//!
//! `statfs` would tell as much, but std does not offer it; the table takes neither unsafe code nor
//! another crate. What the table does not list (btrfs subvolumes, for one) is unknown.

use std::fs::File;

/// Returns true if the file is on a file system whose mapped files were shown to behave: a store
/// below a written and synced length never meets a full disk, and `fdatasync` writes it.
#[cfg(target_os = "linux")]
pub(super) fn bears_mapped_logs(file: &File) -> bool {
    const SHOWN: [&str; 5] = ["ext2", "ext3", "ext4", "xfs", "tmpfs"];
    let Ok(metadata) = file.metadata() else { return false };
    let Ok(table) = std::fs::read_to_string("/proc/self/mountinfo") else { return false };
    let device = device_text(std::os::unix::fs::MetadataExt::dev(&metadata));
    file_system_type(&table, &device).is_some_and(|name| SHOWN.contains(&name))
}

/// Returns false: nothing was shown here.
#[cfg(not(target_os = "linux"))]
pub(super) fn bears_mapped_logs(_file: &File) -> bool {
    false
}

/// Returns a device number as the table prints it, `major:minor`. The bits are glibc's `gnu_dev_*`.
#[cfg(any(target_os = "linux", test))]
fn device_text(device: u64) -> String {
    let major = (device >> 8 & 0xfff) | (device >> 32 & !0xfff);
    let minor = (device & 0xff) | (device >> 12 & 0xffff_ff00);
    format!("{major}:{minor}")
}

/// Returns the type of the file system on a device, if the table names exactly one.
///
/// A line reads `36 35 98:0 /root /mount options [optional ...] - type source options`. A device
/// stands on several lines where it is mounted several times.
#[cfg(any(target_os = "linux", test))]
fn file_system_type<'a>(table: &'a str, device: &str) -> Option<&'a str> {
    let mut found = None;
    for line in table.lines().filter(|line| line.split(' ').nth(2) == Some(device)) {
        let name = line.split(' ').skip_while(|field| *field != "-").nth(1)?;
        if found.is_some_and(|before| before != name) {
            return None;
        }
        found = Some(name);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{device_text, file_system_type};

    const TABLE: &str = "\
22 1 254:0 / / rw,noatime shared:1 - ext4 /dev/vda rw
23 22 0:21 / /proc rw - proc proc rw
24 22 0:24 / /dev/shm rw,nosuid shared:3 master:1 - tmpfs tmpfs rw
25 22 254:0 /home /mnt/home rw shared:1 - ext4 /dev/vda rw
26 22 8:1 / /a rw - xfs /dev/sda1 rw
27 22 8:1 / /b rw - btrfs /dev/sda1 rw
28 22 8:2 / /cut rw";

    #[test]
    fn finds_the_type_by_device() {
        assert_eq!(file_system_type(TABLE, "254:0"), Some("ext4"));
        assert_eq!(file_system_type(TABLE, "0:24"), Some("tmpfs"));
    }

    #[test]
    fn does_not_guess() {
        assert_eq!(file_system_type(TABLE, "254:1"), None, "absent");
        assert_eq!(file_system_type(TABLE, "8:1"), None, "two answers");
        assert_eq!(file_system_type(TABLE, "8:2"), None, "a line cut short");
        assert_eq!(file_system_type("", "0:0"), None);
    }

    #[test]
    fn splits_device_numbers_as_glibc_does() {
        assert_eq!(device_text(0xfe00), "254:0");
        assert_eq!(device_text(0x18), "0:24");
        assert_eq!(device_text(0x1234_5678_9abc_def0), "305421534:1737075696");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn proc_itself_is_no_place_for_a_map() {
        let file = std::fs::OpenOptions::new().read(true).open("/proc/self/mountinfo").unwrap();
        assert!(!super::bears_mapped_logs(&file));
    }
}
