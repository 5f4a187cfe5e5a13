use super::Error;
use super::error::said;
use crate::config::{Prefix, Protocol};
use crate::control::types::CaptureRequest;
use pcap::{BpfInstruction, BpfProgram, Capture, Linktype};

/// A filter in libpcap's language (pcap-filter(7)), for packets that did not come by way of libpcap.
pub struct Filter {
    program: BpfProgram,
    /// Whether it asks for the length of packets.
    measures: bool,
}

impl Filter {
    /// Compiles it, for packets cut off behind `snaplen` bytes.
    ///
    /// # Errors
    /// When it is none, or looks at what is cut off.
    pub fn compile(filter: &str, snaplen: u16) -> Result<Self, Error> {
        let refused = |reason: String| Error::Filter { filter: filter.to_owned(), reason };
        let dead = Capture::dead(Linktype::ETHERNET).map_err(|error| refused(said(error)))?;
        let program = dead.compile(filter, true).map_err(|error| refused(said(error)))?;
        let instructions = program.get_instructions().iter().map(Instruction::read).collect::<Option<Vec<_>>>();
        let unreadable = || refused("libpcap's binding shows its program in another way than is known here".to_owned());
        let instructions = instructions.ok_or_else(unreadable)?;
        let needed = instructions.iter().map(Instruction::needs).max().unwrap_or(0);
        if needed > snaplen.into() {
            let reason =
                format!("it looks at byte {needed}, but packets are cut off behind byte {snaplen}: use -s {needed}");
            return Err(refused(reason));
        }
        Ok(Self { program, measures: instructions.iter().any(Instruction::measures) })
    }

    /// Whether it says yes to a packet of `len` bytes, of which there may be only the beginning.
    pub fn matches(&self, packet: &[u8], len: u32) -> bool {
        if !self.measures {
            return self.program.filter(packet);
        }
        // The binding knows no other length than that of what it is given.
        let mut whole = packet.to_vec();
        whole.resize(packet.len().max(len as usize), 0);
        self.program.filter(&whole)
    }
}

/// An instruction of a filter's program (linux/bpf_common.h).
struct Instruction {
    code: u32,
    operand: u32,
}

impl Instruction {
    /// Reads one: code, two jumps, operand. The binding shows them, and does not give them out.
    fn read(instruction: &BpfInstruction) -> Option<Self> {
        let shown = instruction.to_string();
        let numbers: Vec<u32> = shown.split_whitespace().map_while(|word| word.parse().ok()).collect();
        let [code, _, _, operand] = numbers[..] else { return None };
        Some(Self { code, operand })
    }

    /// How many bytes of a packet it needs, as far as it says so itself: what depends on the length of a header is not counted.
    fn needs(&self) -> u32 {
        // Loads from a fixed offset: BPF_LD | BPF_ABS of some size, and BPF_LDX | BPF_B | BPF_MSH.
        const SIZE: u32 = 0x18;
        const LOAD: u32 = 0x20;
        const LOAD_HEADER_LEN: u32 = 0xb1;
        let len = match self.code & SIZE {
            0x00 => 4,
            0x08 => 2,
            _ => 1,
        };
        let is_load = self.code & !SIZE == LOAD || self.code == LOAD_HEADER_LEN;
        if is_load { self.operand.saturating_add(len) } else { 0 }
    }

    /// Whether it loads the packet's length: BPF_LD or BPF_LDX, BPF_LEN.
    fn measures(&self) -> bool {
        matches!(self.code, 0x80 | 0x81)
    }
}

/// What the program in the kernel can sort out already, so that its limit counts what is wanted: the terms of a filter of plain terms that are
/// joined by `and`. Whatever else the filter says is left to libpcap; no IP packet that it says yes to is lost (`host` is about ARP as well, to libpcap).
pub fn narrow(filter: &str, request: &mut CaptureRequest) {
    let words: Vec<&str> = filter.split_whitespace().collect();
    let is_plain = |word: &&str| word.chars().all(|char| char.is_ascii_alphanumeric() || ".:/-".contains(char));
    let joins_otherwise = |word: &&str| matches!(*word, "or" | "not");
    if !words.iter().all(is_plain) || words.iter().any(joins_otherwise) {
        return;
    }
    for term in words.split(|word| *word == "and") {
        take_term(term, request);
    }
}

/// One term, as `tcp`, `tcp port 443` or `src net 203.0.113.0/24`.
fn take_term(term: &[&str], request: &mut CaptureRequest) {
    let (protocol, rest) = match term {
        ["tcp", rest @ ..] => (Some(Protocol::Tcp), rest),
        ["udp", rest @ ..] => (Some(Protocol::Udp), rest),
        rest => (None, rest),
    };
    let is_understood = match rest {
        [] => protocol.is_some(),
        ["dst", "port", port] => set(&mut request.port, port.parse().ok()),
        ["src", "port", port] => set(&mut request.source_port, port.parse().ok()),
        ["dst", "host", vip] => set(&mut request.vip, vip.parse().ok()),
        ["src", "host" | "net", client] => set(&mut request.client, client.parse::<Prefix>().ok()),
        ["port", port] => set(&mut request.either_port, port.parse().ok()),
        ["host", host] => set(&mut request.host, host.parse().ok()),
        _ => false,
    };
    if is_understood && protocol.is_some() {
        set(&mut request.protocol, protocol);
    }
}

/// Says it, if nothing else was said before; whether it could be understood.
fn set<T>(field: &mut Option<T>, value: Option<T>) -> bool {
    let is_understood = value.is_some();
    if field.is_none() {
        *field = value;
    }
    is_understood
}

#[cfg(test)]
mod tests {
    use super::*;
    use etherparse::PacketBuilder;

    fn tcp(source: [u8; 4], port: u16) -> Vec<u8> {
        let builder =
            PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4(source, [192, 0, 2, 10], 64).tcp(40_000, port, 7, 99);
        let mut packet = Vec::new();
        builder.write(&mut packet, b"hello").expect("memory");
        packet
    }

    #[test]
    fn libpcap_decides() {
        let filter = Filter::compile("tcp port 443 and host 203.0.113.7", 128).expect("a filter");
        assert!(filter.matches(&tcp([203, 0, 113, 7], 443), 59));
        assert!(!filter.matches(&tcp([203, 0, 113, 8], 443), 59));
        assert!(!filter.matches(&tcp([203, 0, 113, 7], 80), 59));
        assert!(!filter.matches(&[], 0));
        let long = Filter::compile("tcp and greater 500", 128).expect("a filter");
        assert!(long.matches(&tcp([203, 0, 113, 7], 443), 500), "of which only the beginning is there");
        assert!(!long.matches(&tcp([203, 0, 113, 7], 443), 499));
    }

    #[test]
    fn what_is_no_filter_or_looks_too_far_is_refused() {
        let refused = |filter, snaplen| Filter::compile(filter, snaplen).err().expect("no filter").to_string();
        assert!(refused("tcp prot 443", 128).starts_with("filter \"tcp prot 443\": "));
        assert!(
            refused("ether[100:4] = 1", 68).contains("it looks at byte 104, but packets are cut off behind byte 68")
        );
        assert!(Filter::compile("ether[100:4] = 1", 104).is_ok());
        // The ports of TCP over IPv6 end there.
        assert!(Filter::compile("tcp port 443", 58).is_ok());
        assert!(refused("tcp port 443", 57).contains("use -s 58"));
    }

    /// What is left to the kernel of a filter, as a query.
    fn narrowed(filter: &str) -> String {
        let mut request = CaptureRequest::default();
        narrow(filter, &mut request);
        serde_urlencoded::to_string(request).expect("a query")
    }

    #[test]
    fn plain_terms_are_sorted_out_in_the_kernel() {
        for (filter, expected) in [
            ("tcp port 443 and host 203.0.113.7", "host=203.0.113.7&either_port=443&protocol=tcp"),
            ("udp and dst port 53 and src net 10.0.0.0/8", "client=10.0.0.0%2F8&port=53&protocol=udp"),
            ("dst host 2001:db8::1 and src port 7", "vip=2001%3Adb8%3A%3A1&source_port=7"),
            ("tcp and len > 100", ""),
            ("tcp and vlan", "protocol=tcp"),
            ("tcp dst port https", ""),
            ("host a.example", ""),
            ("port 80 or port 443", ""),
            ("not tcp", ""),
            ("tcp and (port 80)", ""),
            ("tcp && port 80", ""),
            ("! tcp", ""),
            ("tcp[tcpflags] & tcp-syn != 0", ""),
        ] {
            assert_eq!(narrowed(filter), expected, "{filter}");
        }
    }

    #[test]
    fn what_an_option_says_stays() {
        let mut request = CaptureRequest { port: Some(80), ..CaptureRequest::default() };
        narrow("dst port 443", &mut request);
        assert_eq!(request.port, Some(80));
    }
}
