//! The names that libsensors gives to chips: `coretemp-isa-0000`, `nvme-pci-0100`. They are made of what a chip says
//! its name is, the bus it is on, and its address there.

use std::fs;
use std::path::Path;

/// How far up from a chip its bus is looked for: an NVMe disk's sensors lie below a controller below a PCI device.
const HIGHEST: usize = 8;

/// The name of the chip in the folder `chip` (`/sys/class/hwmon/hwmonN`) that calls itself `prefix`.
pub(super) fn name(chip: &Path, prefix: &str) -> String {
    let device = fs::canonicalize(chip.join("device")).ok();
    let mut at = device.as_deref();
    for _ in 0..HIGHEST {
        let Some(folder) = at else { break };
        if let Some(place) = place(folder) {
            return format!("{prefix}-{place}");
        }
        at = folder.parent();
    }
    format!("{prefix}-virtual-0")
}

/// The bus and the address of the device in `folder`, when it is on a bus that libsensors has a word for.
fn place(folder: &Path) -> Option<String> {
    let bus = fs::canonicalize(folder.join("subsystem")).ok()?;
    let device = folder.file_name()?.to_str()?;
    let hex = |digits: &str| u32::from_str_radix(digits, 16).ok();
    match bus.file_name()?.to_str()? {
        // 0000:01:00.0: domain, bus, device, function
        "pci" => {
            let (domain, rest) = device.split_once(':')?;
            let (bus, rest) = rest.split_once(':')?;
            let (slot, function) = rest.split_once('.')?;
            let high = hex(domain)?.checked_shl(16)? | (hex(bus)? & 0xff) << 8;
            Some(format!("pci-{:04x}", high | (hex(slot)? & 0x1f) << 3 | hex(function)? & 7))
        }
        // coretemp.0
        "platform" | "of_platform" => {
            let address = device.rsplit_once('.').and_then(|(_, digits)| digits.parse::<u32>().ok());
            Some(format!("isa-{:04x}", address.unwrap_or_default()))
        }
        // 0-002d: bus, address
        "i2c" => {
            let (bus, address) = device.split_once('-')?;
            Some(format!("i2c-{}-{:02x}", bus.parse::<u32>().ok()?, hex(address)?))
        }
        "spi" => {
            let (bus, line) = device.strip_prefix("spi")?.split_once('.')?;
            Some(format!("spi-{}-{:x}", bus.parse::<u32>().ok()?, line.parse::<u32>().ok()?))
        }
        // 0003:1B1C:0C10.0005: bus, vendor, product, number
        "hid" => {
            let (bus, rest) = device.split_once(':')?;
            Some(format!("hid-{}-{:x}", hex(bus)?, hex(rest.rsplit_once('.')?.1)?))
        }
        // 0:0:1:0: host, channel, target, unit
        "scsi" => {
            let mut numbers = device.split(':').map(|digits| digits.parse::<u32>().ok());
            let [host, channel, target, unit] =
                [numbers.next()??, numbers.next()??, numbers.next()??, numbers.next()??];
            Some(format!("scsi-{host}-{:x}", (channel & 0xf) << 8 | (target & 0xf) << 4 | unit & 0xf))
        }
        "acpi" => Some("acpi-0".to_owned()),
        _ => None,
    }
}
