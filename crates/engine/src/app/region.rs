//! Regions.

use lentera_api::Error;
use lentera_api::view::Village;
use lentera_domain::wilayah::Level;

use crate::Engine;
use crate::store::server_record;

/// Villages in one answer at most.
const VILLAGES_MAX: usize = 200;

pub fn list_villages(engine: &Engine, search: &str) -> Result<Vec<Village>, Error> {
    let words: Vec<String> = search.to_lowercase().split_whitespace().map(ToOwned::to_owned).collect();
    engine.read(|connection, _| {
        let regions = server_record::regions(connection)?;
        let name_of = |code: Option<lentera_domain::WilayahCode>| {
            code.and_then(|code| regions.iter().find(|region| region.code == code))
                .map_or_else(String::new, |region| region.name.to_string())
        };
        let villages = regions.iter().filter(|region| region.code.level() == Level::Village).map(|region| Village {
            code: region.code.clone(),
            name: region.name.to_string(),
            district: name_of(region.code.parent()),
        });
        let mut found: Vec<_> = villages
            .filter(|village| {
                let text = format!("{} {} {}", village.name, village.district, village.code).to_lowercase();
                words.iter().all(|word| text.contains(word))
            })
            .collect();
        found.sort_by(|a, b| (&a.district, &a.name).cmp(&(&b.district, &b.name)));
        found.truncate(VILLAGES_MAX);
        Ok(found)
    })
}
