use std::fs;
use std::process::Command;

use proptest::prelude::*;

use crate::testing::{
    Program, agrees_with_diamond, collect, collect_soon, collector, fixture, raw, serve, try_collect,
};
use crate::{Bits, Collector, Out, Value};

fn asking(body: &str) -> Box<dyn Collector> {
    let address = serve(format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n{body}").into_bytes());
    collector("nginx", "/".as_ref(), &format!("url = 'http://{address}/nginx_status'"))
}

#[test]
fn a_recorded_page_is_read() {
    let page = fs::read_to_string(fixture("nginx/testdata/nginx-1.22/nginx_status")).unwrap();
    let samples = collect(&mut *asking(&page), 0);
    assert_eq!(samples.len(), 8);
    assert_eq!(raw(&samples["nginx.active_connections"]), 1.0);
    assert_eq!(samples["nginx.conn_handled"].value, Value::Counter { raw: 3, bits: Bits::B64 });
    assert_eq!(raw(&samples["nginx.act_writes"]), 1.0);
}

#[test]
fn a_page_that_is_none_or_cut_is_named() {
    for page in [
        "",
        "<html>hello</html>",
        "Active connections: \n",
        "Active connections: 1\nserver accepts\n 5 x\n",
        "Active connections: 1\nReading: 1\n",
    ] {
        let fail = try_collect(&mut *asking(page), 0).unwrap_err();
        assert!(fail.to_string().contains("expected the page of nginx's stub_status"), "{page}: {fail}");
    }
}

#[test]
fn a_real_nginx_answers() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path().display();
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let temporary =
        ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(|what| format!("{what}_temp_path {here}/{what};"));
    let config = format!(
        "pid {here}/pid; error_log {here}/log; daemon off; master_process off; events {{}}\n\
         http {{ access_log off; {} server {{ listen 127.0.0.1:{port}; location /status {{ stub_status; }} }} }}\n",
        temporary.concat()
    );
    fs::write(folder.path().join("conf"), config).unwrap();
    let mut command = Command::new("nginx");
    command.arg("-c").arg(folder.path().join("conf")).arg("-p").arg(folder.path());
    let Some(_nginx) = Program::start("nginx", &mut command) else { return };
    let mut collector = collector("nginx", "/".as_ref(), &format!("url = 'http://127.0.0.1:{port}/status'"));
    let samples = collect_soon(&mut *collector);
    assert_eq!(samples.len(), 8);
}

#[test]
fn diamond_reads_the_same() {
    let page = fs::read_to_string(fixture("nginx/testdata/nginx-1.22/nginx_status")).unwrap();
    agrees_with_diamond(&mut *asking(&page), &fixture("nginx/testdata/nginx-1.22/expected.diamond.txt"), &[]);
}

proptest! {
    #[test]
    fn no_page_is_too_strange(page in "(Active|server|Reading:|[0-9]{1,21}|[ \\n:x-]){0,20}") {
        super::publish(page.as_bytes(), &mut Out::default());
    }
}
