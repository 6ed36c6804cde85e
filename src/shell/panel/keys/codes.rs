//! Names and numbers of keys and switches, as in the kernel's `input-event-codes.h`.
//!
//! The names that buttons of phones, keypads and macro pads go by are here; every other key has its number.

use std::fmt;
use std::format;
use std::string::String;

/// A key or a switch of an input device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// Events of the type `EV_KEY`; at most [`LAST_KEY`].
    Key(u16),
    /// Events of the type `EV_SW`.
    Switch(u16),
}

/// The highest number that a key can have (`KEY_MAX`).
pub const LAST_KEY: u16 = 0x2ff;

impl Code {
    /// Reads a name (`KEY_F1`, `BTN_0`, `SW_LID`) or a key's number, decimal or with `0x`.
    ///
    /// # Errors
    /// What to do about it.
    pub fn parse(text: &str) -> Result<Code, String> {
        if text.starts_with(|it: char| it.is_ascii_digit()) {
            return number(text);
        }
        let known = names().find(|(prefix, name, _)| text.strip_prefix(prefix) == Some(name));
        known.map(|(_, _, code)| code).ok_or_else(|| advice(text))
    }

    fn name(self) -> Option<(&'static str, &'static str)> {
        let known = names().find(|(_, _, code)| *code == self);
        known.map(|(prefix, name, _)| (prefix, name))
    }
}

impl fmt::Display for Code {
    /// The name, or the number of a key that has none here.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.name(), self) {
            (Some((prefix, name)), _) => write!(f, "{prefix}{name}"),
            (None, Code::Key(number)) => write!(f, "{number}"),
            (None, Code::Switch(number)) => write!(f, "SW_{number}"),
        }
    }
}

fn number(text: &str) -> Result<Code, String> {
    let number = match text.strip_prefix("0x") {
        Some(hex) => u16::from_str_radix(hex, 16),
        None => text.parse(),
    };
    match number {
        Ok(number @ 1..=LAST_KEY) => Ok(Code::Key(number)),
        _ => Err(format!(
            "write a number from 1 to {LAST_KEY}, or a name as KEY_F1"
        )),
    }
}

/// What was meant by a name that nothing has.
fn advice(text: &str) -> String {
    let wanted = text.to_ascii_uppercase();
    let distance = |(prefix, name, code): (&str, &str, Code)| {
        let bare = if wanted == name { 0 } else { usize::MAX };
        (bare.min(steps(&wanted, prefix, name)), code)
    };
    match names().map(distance).min() {
        Some((0..=2, code)) => format!("write {code}"),
        _ => String::from("use a name as KEY_F1, BTN_0 or SW_LID, or a key's number"),
    }
}

/// How many letters have to be put in, left out or exchanged to get from `text` to `prefix` and `name`
/// (Levenshtein).
fn steps(text: &str, prefix: &str, name: &str) -> usize {
    const LONGEST: usize = 32;
    let wanted = prefix.bytes().chain(name.bytes());
    if text.len() >= LONGEST {
        return usize::MAX;
    }
    let mut row: [usize; LONGEST] = core::array::from_fn(|at| at);
    for (above, letter) in wanted.enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], above + 1);
        for (at, other) in text.bytes().enumerate() {
            let exchanged = diagonal + usize::from(letter != other);
            diagonal = row[at + 1];
            row[at + 1] = exchanged.min(diagonal + 1).min(row[at] + 1);
        }
    }
    row[text.len()]
}

/// Every name, in two parts, and what it stands for.
fn names() -> impl Iterator<Item = (&'static str, &'static str, Code)> {
    let rows = ROWS.iter().flat_map(|(kind, first, prefix, words)| {
        let numbered = (*first..).zip(words.split(' '));
        numbered.map(|(number, word)| (*prefix, word, kind(number)))
    });
    rows.filter(|(_, word, _)| *word != "-")
}

/// What a number is the number of.
type Kind = fn(u16) -> Code;

/// Names that follow each other: of what, the first one's number, what stands before each, and the names; a
/// number without a name is a dash.
const ROWS: &[(Kind, u16, &str, &str)] = &[
    (
        Code::Key,
        1,
        "KEY_",
        "ESC 1 2 3 4 5 6 7 8 9 0 MINUS EQUAL BACKSPACE TAB Q W E R T Y U I O P LEFTBRACE RIGHTBRACE ENTER \
        LEFTCTRL A S D F G H J K L SEMICOLON APOSTROPHE GRAVE LEFTSHIFT BACKSLASH Z X C V B N M COMMA DOT SLASH \
        RIGHTSHIFT KPASTERISK LEFTALT SPACE CAPSLOCK F1 F2 F3 F4 F5 F6 F7 F8 F9 F10 NUMLOCK SCROLLLOCK KP7 KP8 \
        KP9 KPMINUS KP4 KP5 KP6 KPPLUS KP1 KP2 KP3 KP0 KPDOT - ZENKAKUHANKAKU 102ND F11 F12 RO KATAKANA HIRAGANA \
        HENKAN KATAKANAHIRAGANA MUHENKAN KPJPCOMMA KPENTER RIGHTCTRL KPSLASH SYSRQ RIGHTALT LINEFEED HOME UP \
        PAGEUP LEFT RIGHT END DOWN PAGEDOWN INSERT DELETE MACRO MUTE VOLUMEDOWN VOLUMEUP POWER KPEQUAL \
        KPPLUSMINUS PAUSE SCALE KPCOMMA HANGEUL HANJA YEN LEFTMETA RIGHTMETA COMPOSE STOP AGAIN PROPS UNDO FRONT \
        COPY OPEN PASTE FIND CUT HELP MENU CALC SETUP SLEEP WAKEUP FILE SENDFILE DELETEFILE XFER PROG1 PROG2 WWW \
        MSDOS COFFEE ROTATE_DISPLAY CYCLEWINDOWS MAIL BOOKMARKS COMPUTER BACK FORWARD CLOSECD EJECTCD \
        EJECTCLOSECD NEXTSONG PLAYPAUSE PREVIOUSSONG STOPCD RECORD REWIND PHONE ISO CONFIG HOMEPAGE REFRESH EXIT \
        MOVE EDIT SCROLLUP SCROLLDOWN KPLEFTPAREN KPRIGHTPAREN NEW REDO F13 F14 F15 F16 F17 F18 F19 F20 F21 F22 \
        F23 F24",
    ),
    (
        Code::Key,
        200,
        "KEY_",
        "PLAYCD PAUSECD PROG3 PROG4 ALL_APPLICATIONS SUSPEND CLOSE PLAY FASTFORWARD BASSBOOST PRINT HP CAMERA \
        SOUND QUESTION EMAIL CHAT SEARCH CONNECT FINANCE SPORT SHOP ALTERASE CANCEL BRIGHTNESSDOWN BRIGHTNESSUP \
        MEDIA SWITCHVIDEOMODE KBDILLUMTOGGLE KBDILLUMDOWN KBDILLUMUP SEND REPLY FORWARDMAIL SAVE DOCUMENTS \
        BATTERY BLUETOOTH WLAN UWB UNKNOWN VIDEO_NEXT VIDEO_PREV BRIGHTNESS_CYCLE BRIGHTNESS_AUTO DISPLAY_OFF \
        WWAN RFKILL MICMUTE",
    ),
    (Code::Key, 256, "BTN_", "0 1 2 3 4 5 6 7 8 9"),
    (
        Code::Key,
        272,
        "BTN_",
        "LEFT RIGHT MIDDLE SIDE EXTRA FORWARD BACK TASK",
    ),
    (
        Code::Key,
        288,
        "BTN_",
        "TRIGGER THUMB THUMB2 TOP TOP2 PINKIE BASE BASE2 BASE3 BASE4 BASE5 BASE6",
    ),
    (
        Code::Key,
        304,
        "BTN_",
        "SOUTH EAST C NORTH WEST Z TL TR TL2 TR2 SELECT START MODE THUMBL THUMBR",
    ),
    (
        Code::Key,
        352,
        "KEY_",
        "OK SELECT GOTO CLEAR POWER2 OPTION INFO TIME VENDOR ARCHIVE PROGRAM CHANNEL FAVORITES EPG PVR MHP \
        LANGUAGE TITLE SUBTITLE ANGLE FULL_SCREEN MODE KEYBOARD ASPECT_RATIO PC TV TV2 VCR VCR2 SAT SAT2 CD TAPE \
        RADIO TUNER PLAYER TEXT DVD AUX MP3 AUDIO VIDEO DIRECTORY LIST MEMO CALENDAR RED GREEN YELLOW BLUE \
        CHANNELUP CHANNELDOWN FIRST LAST AB NEXT RESTART SLOW SHUFFLE BREAK PREVIOUS DIGITS TEEN TWEN VIDEOPHONE \
        GAMES ZOOMIN ZOOMOUT ZOOMRESET WORDPROCESSOR EDITOR SPREADSHEET GRAPHICSEDITOR PRESENTATION DATABASE \
        NEWS VOICEMAIL ADDRESSBOOK MESSENGER DISPLAYTOGGLE SPELLCHECK LOGOFF DOLLAR EURO FRAMEBACK FRAMEFORWARD \
        CONTEXT_MENU MEDIA_REPEAT 10CHANNELSUP 10CHANNELSDOWN IMAGES - NOTIFICATION_CENTER PICKUP_PHONE \
        HANGUP_PHONE LINK_PHONE DEL_EOL DEL_EOS INS_LINE DEL_LINE",
    ),
    (
        Code::Key,
        512,
        "KEY_",
        "NUMERIC_0 NUMERIC_1 NUMERIC_2 NUMERIC_3 NUMERIC_4 NUMERIC_5 NUMERIC_6 NUMERIC_7 NUMERIC_8 NUMERIC_9 \
        NUMERIC_STAR NUMERIC_POUND NUMERIC_A NUMERIC_B NUMERIC_C NUMERIC_D",
    ),
    (
        Code::Key,
        539,
        "KEY_",
        "ATTENDANT_ON ATTENDANT_OFF ATTENDANT_TOGGLE LIGHTS_TOGGLE",
    ),
    (
        Code::Key,
        544,
        "BTN_",
        "DPAD_UP DPAD_DOWN DPAD_LEFT DPAD_RIGHT",
    ),
    (
        Code::Key,
        580,
        "KEY_",
        "APPSELECT SCREENSAVER VOICECOMMAND ASSISTANT",
    ),
    (Code::Key, 591, "KEY_", "DO_NOT_DISTURB"),
    (
        Code::Key,
        656,
        "KEY_",
        "MACRO1 MACRO2 MACRO3 MACRO4 MACRO5 MACRO6 MACRO7 MACRO8 MACRO9 MACRO10 MACRO11 MACRO12 MACRO13 MACRO14 \
        MACRO15 MACRO16 MACRO17 MACRO18 MACRO19 MACRO20 MACRO21 MACRO22 MACRO23 MACRO24 MACRO25 MACRO26 MACRO27 \
        MACRO28 MACRO29 MACRO30",
    ),
    (
        Code::Switch,
        0,
        "SW_",
        "LID TABLET_MODE HEADPHONE_INSERT RFKILL_ALL MICROPHONE_INSERT DOCK LINEOUT_INSERT \
        JACK_PHYSICAL_INSERT VIDEOOUT_INSERT CAMERA_LENS_COVER KEYPAD_SLIDE FRONT_PROXIMITY ROTATE_LOCK \
        LINEIN_INSERT MUTE_DEVICE PEN_INSERTED MACHINE_COVER",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;
    use std::vec::Vec;

    #[test]
    fn names_and_numbers_are_the_kernels() {
        for (text, code) in [
            ("KEY_ESC", Code::Key(1)),
            ("KEY_A", Code::Key(30)),
            ("KEY_F1", Code::Key(59)),
            ("KEY_F12", Code::Key(88)),
            ("KEY_KPENTER", Code::Key(96)),
            ("KEY_MUTE", Code::Key(113)),
            ("KEY_PROG1", Code::Key(148)),
            ("KEY_PHONE", Code::Key(169)),
            ("KEY_F24", Code::Key(194)),
            ("KEY_PROG3", Code::Key(202)),
            ("KEY_MICMUTE", Code::Key(248)),
            ("BTN_0", Code::Key(0x100)),
            ("BTN_9", Code::Key(0x109)),
            ("BTN_TRIGGER", Code::Key(0x120)),
            ("BTN_THUMBR", Code::Key(0x13e)),
            ("KEY_OK", Code::Key(0x160)),
            ("KEY_PICKUP_PHONE", Code::Key(0x1bd)),
            ("KEY_HANGUP_PHONE", Code::Key(0x1be)),
            ("KEY_NUMERIC_POUND", Code::Key(0x20b)),
            ("KEY_DO_NOT_DISTURB", Code::Key(0x24f)),
            ("KEY_MACRO30", Code::Key(0x2ad)),
            ("SW_LID", Code::Switch(0)),
            ("SW_MACHINE_COVER", Code::Switch(16)),
        ] {
            assert_eq!(Code::parse(text), Ok(code), "{text}");
            assert_eq!(code.to_string(), text);
        }
    }

    #[test]
    fn every_name_is_there_once_and_reads_back() {
        let mut seen = Vec::new();
        for (prefix, name, code) in names() {
            assert_eq!(Code::parse(&format!("{prefix}{name}")), Ok(code));
            assert!(!seen.contains(&code), "{code} twice");
            seen.push(code);
        }
        assert!(seen.len() > 400);
    }

    #[test]
    fn a_key_without_a_name_has_its_number() {
        assert_eq!(Code::parse("705"), Ok(Code::Key(705)));
        assert_eq!(Code::parse("0x2c1"), Ok(Code::Key(705)));
        assert_eq!(Code::Key(705).to_string(), "705");
        assert!(Code::parse("KEY_-").is_err(), "the mark of a gap");
        for text in ["0", "768", "0x300", "70000", "1x", "0x"] {
            let remedy = "write a number from 1 to 767, or a name as KEY_F1";
            assert_eq!(Code::parse(text), Err(remedy.to_string()), "{text}");
        }
    }

    #[test]
    fn what_is_nearly_a_name_is_corrected() {
        for (text, remedy) in [
            ("F1", "write KEY_F1"),
            ("key_f1", "write KEY_F1"),
            ("lid", "write SW_LID"),
            ("KEY_PICKUPPHONE", "write KEY_PICKUP_PHONE"),
            ("BTN0", "write BTN_0"),
            (
                "",
                "use a name as KEY_F1, BTN_0 or SW_LID, or a key's number",
            ),
            (
                "doorbell",
                "use a name as KEY_F1, BTN_0 or SW_LID, or a key's number",
            ),
        ] {
            assert_eq!(Code::parse(text), Err(remedy.to_string()), "{text:?}");
        }
    }
}
