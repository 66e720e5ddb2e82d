//! One window for one data folder: starting Lentera again brings the window that is there already to the front, also out of the tray.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use tauri::AppHandle;

use super::background;

/// The file in the data folder that asks for the window.
const WISH: &str = "raise";
/// How often the process with the window looks for it.
const LOOK: Duration = Duration::from_millis(500);
/// How long a second process waits to be heard, in steps of [`STEP`].
const STEPS: u32 = 30;
const STEP: Duration = Duration::from_millis(100);

/// Asks the process that has the data folder to show its window. False where nobody hears it: then it has none.
pub fn ask(data: &Path) -> bool {
    ask_within(data, STEPS)
}

fn ask_within(data: &Path, steps: u32) -> bool {
    let wish = data.join(WISH);
    if fs::write(&wish, b"").is_err() {
        return false;
    }
    for _ in 0..steps {
        thread::sleep(STEP);
        if !wish.exists() {
            return true;
        }
    }
    // Not heard, and not to be heard later, when nobody waits for it.
    fs::remove_file(wish).is_err()
}

/// Shows the window whenever another process asks for it.
pub fn listen(app: &AppHandle, data: &Path) {
    let (app, wish) = (app.clone(), data.join(WISH));
    // Of a process that ended before it was heard.
    let _ = fs::remove_file(&wish);
    thread::spawn(move || {
        loop {
            thread::sleep(LOOK);
            if is_asked(&wish) {
                let handle = app.clone();
                // Only the main thread may touch windows. A window that is gone cannot be shown: then the process is ending.
                let _ = app.run_on_main_thread(move || background::reopen(&handle));
            }
        }
    });
}

/// Whether somebody asks; asking is answered by taking the file away.
fn is_asked(wish: &PathBuf) -> bool {
    wish.exists() && fs::remove_file(wish).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_is_heard_once_and_an_unheard_one_is_taken_back() {
        let folder = std::env::temp_dir().join(format!("lentera-raise-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let wish = folder.join(WISH);
        let heard = thread::spawn({
            let wish = wish.clone();
            move || {
                while !is_asked(&wish) {
                    thread::sleep(Duration::from_millis(5));
                }
                is_asked(&wish)
            }
        });
        assert!(ask(&folder));
        assert!(!heard.join().unwrap(), "once");
        assert!(!ask_within(&folder, 1));
        assert!(!wish.exists());
        assert!(!ask(&folder.join("missing")));
        fs::remove_dir_all(folder).unwrap();
    }
}
