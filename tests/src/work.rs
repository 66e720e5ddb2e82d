//! Work to note: invented activities as long and as different as those people write.

use lentera_domain::Day;
use lentera_domain::log_entry::LogEntryForm;

use crate::dice::Dice;

/// What was done; `{p}` becomes a place, `{o}` an enterprise, `{n}` a number.
const ACTIVITIES: [&str; 36] = [
    "Menyusun rekapitulasi harga bahan pokok minggu ini di pasar {p} untuk dilaporkan ke provinsi",
    "Rapat koordinasi bidang membahas pendataan IKM kecamatan {p} dan pembagian petugas",
    "Mendampingi {o} mengisi pendaftaran P-IRT dan menyiapkan denah ruang produksi",
    "Verifikasi berkas permohonan bantuan alat dari {n} pelaku usaha",
    "Membuat laporan bulanan perkembangan industri kecil untuk pimpinan",
    "Membalas surat masuk dari kecamatan {p} tentang jadwal pelatihan",
    "Memeriksa timbangan pedagang di pasar {p}, {n} unit ditera ulang",
    "Menyiapkan bahan paparan kepala bidang untuk rapat anggaran perubahan",
    "Kunjungan ke {o}, melihat kemasan baru dan mencatat kebutuhan label",
    "Input data produksi {o} ke aplikasi SIINas, masih kurang data bahan baku",
    "Pelatihan pembukuan sederhana bagi pengrajin purun desa {p}, hadir {n} orang",
    "Mengarsipkan surat keluar dan memindai {n} dokumen perizinan lama",
    "Konsultasi NIB lewat OSS untuk {o}, akun lama terkunci dan sudah diajukan pemulihan",
    "Monitoring stok gas elpiji 3 kg di pangkalan {p}, sisa {n} tabung",
    "Menghadiri musrenbang kecamatan {p} mewakili kepala dinas",
    "Menyusun kerangka acuan kegiatan fasilitasi sertifikasi halal tahun depan",
    "Membantu persiapan stan pameran produk unggulan, menata {n} jenis produk",
    "Rekonsiliasi data aset bidang dengan bagian umum, {n} barang belum berlabel",
    "Memperbarui daftar harga sembako harian dari tiga pedagang di {p}",
    "Mengantar undangan bimbingan teknis ke {n} IKM di wilayah {p}",
    "Diskusi dengan {o} tentang susut bobot keripik dan cara menyimpan minyak",
    "Membuat notulen rapat staf dan membagikannya ke seluruh pegawai bidang",
    "Survei lokasi sentra anyaman bambu desa {p}; jalan licin, dua rumah belum didatangi",
    "Mengetik perjanjian kerja sama dengan kelompok usaha bersama {p}",
    "Menerima aduan pedagang {p} soal retribusi los, diteruskan ke UPT pasar",
    "Menghitung kebutuhan bahan pelatihan sasirangan: kain, pewarna, dan sarung tangan untuk {n} peserta",
    "Apel pagi dilanjutkan senam bersama dan kerja bakti halaman kantor",
    "Pengecekan dokumen SPJ perjalanan dinas bulan lalu, {n} berkas dikembalikan",
    "Wawancara {o} untuk profil usaha di laman dinas; foto produk menyusul",
    "Mencatat realisasi bantuan mesin pengaduk di {o}, mesin dipakai dua kali seminggu",
    "Menyusun jadwal tera ulang timbangan untuk lima pasar semester depan",
    "Uji coba pencatatan pakai gawai di {p}, sinyal hilang lebih dari dua jam",
    "Rapat daring dengan dinas provinsi tentang dana dekonsentrasi",
    "Mendata pelaku usaha baru di {p}: warung, bengkel las dan {n} usaha kue rumahan",
    "Memeriksa kelengkapan {n} proposal hibah dan menelepon pemohon yang kurang berkas",
    "Menyerahkan sertifikat pelatihan kepada {o} dan membahas rencana pemasaran daring",
];
const PLACES: [&str; 12] = [
    "Paringin",
    "Juai",
    "Halong",
    "Lampihong",
    "Awayan",
    "Batumandi",
    "Tebing Tinggi",
    "Muara Ninian",
    "Mampari",
    "Bungin",
    "Lok Panginangan",
    "Paringin Selatan",
];
const ENTERPRISES: [&str; 10] = [
    "Dapur Kasturi",
    "Sasirangan Limau",
    "Anyaman Purun Bungas",
    "Keripik Haruan Mama Aluh",
    "Kue Lam Halong",
    "Madu Kelulut Awayan",
    "Bengkel Las Mandiri",
    "Kopi Batumandi",
    "Gula Aren Juai",
    "Amplang Dua Saudara",
];
const OUTPUTS: [&str; 8] = [
    "",
    "1 dokumen rekap",
    "Notulen dan daftar hadir",
    "Berkas lengkap, menunggu tanda tangan kepala bidang",
    "Data masuk aplikasi",
    "",
    "Foto kegiatan dan berita acara",
    "Tindak lanjut minggu depan",
];
const CATEGORIES: [&str; 4] = ["Administrasi", "Rapat", "Lapangan", "Pelayanan"];
const UNITS: [&str; 4] = ["dokumen", "kegiatan", "orang", "laporan"];

/// The `n`th activity of a person, noted for `day`. Entries of one seed differ from each other, and from those of another.
pub fn entry(day: Day, seed: u64, n: usize) -> LogEntryForm {
    let mut dice = Dice::new(seed.wrapping_mul(1_000_003).wrapping_add(n as u64));
    // Each sentence once in thirty-six, so that no day has one twice.
    let sentence = ACTIVITIES.get((n * 7 + seed as usize) % ACTIVITIES.len()).copied().unwrap_or_default();
    let activity = sentence
        .replace("{p}", pick(&mut dice, &PLACES))
        .replace("{o}", pick(&mut dice, &ENTERPRISES))
        .replace("{n}", &(2 + dice.below(58)).to_string());
    let (hour, minute) = (7 + dice.below(8), dice.below(12) * 5);
    LogEntryForm {
        day: day.to_string(),
        start: format!("{hour}.{minute:02}"),
        end: format!("{}.{:02}", hour + 1, dice.below(12) * 5),
        category: pick(&mut dice, &CATEGORIES).to_owned(),
        activity,
        volume: (1 + dice.below(6)).to_string(),
        unit: pick(&mut dice, &UNITS).to_owned(),
        output: pick(&mut dice, &OUTPUTS).to_owned(),
        ..LogEntryForm::default()
    }
}

fn pick<'a>(dice: &mut Dice, of: &[&'a str]) -> &'a str {
    dice.choose(of).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use lentera_domain::{Nip, Timestamp};

    #[test]
    fn thirty_entries_are_thirty_and_as_long_as_real_ones() {
        let now = Timestamp::from_millis(1_795_399_200_000);
        let nip = Nip::parse("197203151998032000").unwrap();
        let entries: Vec<_> = (0..30).map(|n| entry(now.day(), 5, n)).collect();
        entries.iter().for_each(|form| drop(form.parse(nip.clone(), now).unwrap()));
        let mut texts: Vec<_> = entries.iter().map(|form| form.activity.clone()).collect();
        let letters = texts.iter().map(String::len).sum::<usize>() / texts.len();
        texts.sort();
        texts.dedup();
        assert!(texts.len() == 30 && (60..=120).contains(&letters), "{} of {letters} letters", texts.len());
    }
}
