//! Starts the screens in the page that loaded this file.

fn main() {
    lentera_ui::start();
}
