use super::percent;
use crate::cli::output::{bytes, number, table};
use crate::lab::balance::Unevenness;
use crate::lab::report::{BackendReport, ClientsReport, Report, Round};
use std::fmt::{self, Display, Formatter};

/// A report for people.
pub(super) struct Text<'a>(pub(super) &'a Report);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Report { service, vip, backends, duration_s, rounds, .. } = self.0;
        writeln!(f, "Distribution of {service} {vip} toward servers 1 to {}, {duration_s:.1} s\n", backends.len())?;
        writeln!(f, "{}\n", distribution(backends))?;
        writeln!(f, "Packets and bytes are the client's half: all that the balancer sees.\n")?;
        if rounds.len() > 1 {
            writeln!(f, "Error from even, in each round alone and in all so far\n\n{}\n", table_of_rounds(rounds))?;
        }
        self.write_summary(f)
    }
}

impl Text<'_> {
    fn write_summary(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Report { requests, error, fairness, clients, return_path: path, agents_killed, vip, .. } = self.0;
        writeln!(f, "Error from even  flows {}, response bytes {}", percent(error.flows), percent(error.bytes))?;
        writeln!(f, "Fairness         max/mean {:.4}, Jain {:.4}", fairness.max_over_mean, fairness.jain)?;
        if let Some(clients) = clients {
            write_clients(clients, f)?;
        }
        writeln!(f, "Requests         {} ok, {} failed", number(requests.ok), number(requests.failed))?;
        for failure in &requests.failures {
            writeln!(f, "                 {} {}, the first: {}", number(failure.count), failure.kind, failure.first)?;
        }
        if *agents_killed > 0 {
            writeln!(
                f,
                "Agent            killed {agents_killed} times, and replaced by one that went on with flows and counters"
            )?;
        }
        let packets = path.return_packets;
        writeln!(f, "Direct return    {} return packets at the balancer's interface", number(packets))?;
        let (received, handed_off) = (number(path.received.packets), number(path.handed_off.packets));
        writeln!(f, "                 {received} packets received there, of which {handed_off} were handed off")?;
        let (responses, received) = (bytes(path.response_bytes), bytes(path.received.bytes));
        writeln!(f, "                 {responses} of responses went past the balancer, which received {received}")?;
        match path.foreign_peers {
            0 => write!(f, "                 the client saw no address but the VIP, {}", vip.ip()),
            peers => write!(f, "                 {} connections of the client were not with the VIP", number(peers)),
        }
    }
}

fn write_clients(clients: &ClientsReport, f: &mut Formatter<'_>) -> fmt::Result {
    let ClientsReport { scheduler, window_s, max_load, reuse, load } = *clients;
    let affinity = window_s.map_or_else(|| "no affinity".to_owned(), |window| format!("affinity for {window} s"));
    let most = max_load.map_or_else(String::new, |most| format!(" up to {most:?} times the mean load"));
    writeln!(f, "Policy           {scheduler}, {affinity}{most}")?;
    if let Some(reuse) = reuse {
        let reuse = percent(reuse);
        writeln!(f, "Session reuse    {reuse} of the connections of clients that came back got to their last server")?;
    }
    if let Some(Unevenness { mean, p99 }) = load {
        writeln!(
            f,
            "Load over time   max/mean of live flows {mean:.2} on average, above {p99:.2} for 1 % of the time"
        )?;
    }
    Ok(())
}

fn distribution(backends: &[BackendReport]) -> String {
    let columns = ["SERVER", "ADDRESS", "NEW FLOWS>", "PACKETS>", "BYTES>", "RESPONSE BYTES>", "SHARE>"];
    let rows = backends.iter().map(|backend| {
        vec![
            backend.name.clone(),
            backend.address.to_string(),
            number(backend.new_flows),
            number(backend.packets),
            bytes(backend.bytes),
            bytes(backend.response_bytes),
            percent(backend.share),
        ]
    });
    table(&columns, rows)
}

fn table_of_rounds(rounds: &[Round]) -> String {
    let columns =
        ["ROUND>", "NEW FLOWS>", "RESPONSE BYTES>", "FLOWS ALONE>", "BYTES ALONE>", "FLOWS SO FAR>", "BYTES SO FAR>"];
    let rows = rounds.iter().map(|round| {
        vec![
            round.number.to_string(),
            number(round.new_flows),
            bytes(round.response_bytes),
            percent(round.error.flows),
            percent(round.error.bytes),
            percent(round.cumulative.flows),
            percent(round.cumulative.bytes),
        ]
    });
    table(&columns, rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Scheduler;
    use crate::lab::report::FailureReport;
    use crate::lab::report::tests::report;

    #[test]
    fn a_report_reads_like_this() {
        assert_eq!(
            Text(&report()).to_string(),
            "\
Distribution of web 198.18.255.1:443 toward servers 1 to 3, 15.0 s

SERVER    ADDRESS     NEW FLOWS  PACKETS    BYTES  RESPONSE BYTES    SHARE
server-1  198.18.1.1      1,500   18,000  2.1 MiB        24.0 MiB  33.33 %
server-2  198.18.1.2      1,500   18,000  2.1 MiB        24.0 MiB  33.33 %
server-3  198.18.1.3      1,500   18,000  2.1 MiB        25.0 MiB  33.33 %

Packets and bytes are the client's half: all that the balancer sees.

Error from even, in each round alone and in all so far

ROUND  NEW FLOWS  RESPONSE BYTES  FLOWS ALONE  BYTES ALONE  FLOWS SO FAR  BYTES SO FAR
    1      2,250        36.0 MiB       0.00 %      25.00 %        0.00 %       25.00 %
    2      2,250        37.0 MiB       0.00 %      21.62 %        0.00 %        2.74 %

Error from even  flows 0.00 %, response bytes 2.74 %
Fairness         max/mean 1.0000, Jain 1.0000
Requests         4,500 ok, 0 failed
Direct return    0 return packets at the balancer's interface
                 54,020 packets received there, of which 54,000 were handed off
                 73.0 MiB of responses went past the balancer, which received 6.3 MiB
                 the client saw no address but the VIP, 198.18.255.1"
        );
    }

    #[test]
    fn failures_are_shown_by_kind() {
        let mut report = report();
        let first = "connecting: no answer for 5 s".to_owned();
        report.requests.failures = vec![FailureReport { kind: "timeout", count: 1_200, first }];
        let line = "\n                 1,200 timeout, the first: connecting: no answer for 5 s\n";
        assert!(Text(&report).to_string().contains(line));
    }

    #[test]
    fn what_it_meant_for_clients_is_shown_when_they_were_the_question() {
        let mut report = report();
        let load = Some(Unevenness { mean: 1.234, p99: 1.5 });
        let mut clients =
            ClientsReport { scheduler: Scheduler::RoundRobin, window_s: None, max_load: None, reuse: None, load: None };
        report.clients = Some(clients);
        let expected = "Jain 1.0000\nPolicy           round-robin, no affinity\nRequests ";
        assert!(Text(&report).to_string().contains(expected), "{}", Text(&report));

        clients = ClientsReport { window_s: Some(2.5), max_load: Some(2.0), reuse: Some(0.75), load, ..clients };
        report.clients = Some(clients);
        let expected = "\
Policy           round-robin, affinity for 2.5 s up to 2.0 times the mean load
Session reuse    75.00 % of the connections of clients that came back got to their last server
Load over time   max/mean of live flows 1.23 on average, above 1.50 for 1 % of the time
Requests ";
        assert!(Text(&report).to_string().contains(expected), "{}", Text(&report));
    }
}
