//! Whether there is a network at all. Only a hint: the server is tried either way.

/// Whether any way leads out of this device; `None` where the system does not tell.
#[cfg(target_os = "linux")]
pub fn is_up() -> Option<bool> {
    let routes = std::fs::read_to_string("/proc/net/route").ok()?;
    let routes6 = std::fs::read_to_string("/proc/net/ipv6_route").unwrap_or_default();
    let is_down = |interface: &str| {
        let state = std::fs::read_to_string(format!("/sys/class/net/{interface}/operstate"));
        state.is_ok_and(|state| state.trim() == "down")
    };
    Some(interfaces(&routes, &routes6).any(|interface| !is_down(interface)))
}

/// Elsewhere the app is told by the system, or nobody knows.
#[cfg(not(target_os = "linux"))]
pub fn is_up() -> Option<bool> {
    None
}

/// Interfaces with a route to somewhere else, from /proc/net/route and /proc/net/ipv6_route.
#[cfg(target_os = "linux")]
fn interfaces<'a>(routes: &'a str, routes6: &'a str) -> impl Iterator<Item = &'a str> {
    let routes = routes.lines().skip(1).filter_map(|line| line.split_whitespace().next());
    // Every interface has link-local and multicast addresses: those lead nowhere by themselves.
    let routes6 = routes6.lines().filter(|line| !line.starts_with("fe80") && !line.starts_with("ff"));
    let routes6 = routes6.filter_map(|line| line.split_whitespace().next_back());
    routes.chain(routes6).filter(|interface| *interface != "lo")
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::interfaces;

    const HEAD: &str = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";

    #[test]
    fn only_routes_to_elsewhere_count() {
        let routes = format!("{HEAD}wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n");
        assert_eq!(interfaces(&routes, "").collect::<Vec<_>>(), ["wlan0"]);
        let routes6 = "fe800000000000000000000000000000 40 0 00 0 00000100 00000001 00000000 00000001    wlan0\n\
                       ff000000000000000000000000000000 08 0 00 0 00000100 00000001 00000000 00000001    wlan0\n\
                       00000000000000000000000000000001 80 0 00 0 00000000 00000002 00000000 80200001       lo\n";
        assert_eq!(interfaces(HEAD, routes6).count(), 0);
        let global = "20010db8000000000000000000000000 40 0 00 0 00000100 00000001 00000000 00000001    rmnet0\n";
        assert_eq!(interfaces(HEAD, global).collect::<Vec<_>>(), ["rmnet0"]);
        assert_eq!(interfaces("", "").count(), 0);
    }
}
