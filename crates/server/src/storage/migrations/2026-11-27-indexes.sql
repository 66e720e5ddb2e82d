-- What was looked for among all of a device's amendments, all people, all rows of a unit's stream.

DROP INDEX amendment_by_bundle;
CREATE INDEX amendment_by_bundle ON amendment (device, bundle_number, number);
CREATE INDEX person_by_unit ON person (unit, nip);
CREATE INDEX change_by_device ON change (device);
