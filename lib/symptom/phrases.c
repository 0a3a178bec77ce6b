/* phrases.c - the sentences of Windows' boot screens in English, Swedish, Dutch and French.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * English from Windows' own screens; the other languages from the translated articles and from Windows' translations as far as they
 * are known. A row is a part of a sentence that no other screen has, so that a changed wording around it does no harm.
 */
#include "symptom/phrases.h"

#include <stdlib.h>

#define MAX_TEXT 12000 /* folded letters of a picture that are compared */
#define MAX_PHRASE 80
#define TOLERANCE 0.20 /* edits a letter that still count as misreading */

enum { ANYWHERE, LINE, NO_MEMORY };

static const struct phrase {
	enum cf_screen screen;
	const char *language;
	int kind;
	const char *text;
} phrases[] = {
	{ CF_SCREEN_BOOT_MANAGER, "en", ANYWHERE, "Windows failed to start. A recent hardware or software change" },
	{ CF_SCREEN_BOOT_MANAGER, "en", ANYWHERE, "Insert your Windows installation disc and restart your computer" },
	{ CF_SCREEN_BOOT_MANAGER, "en", ANYWHERE, "Choose your language settings, and then click" },
	{ CF_SCREEN_BOOT_MANAGER, "en", ANYWHERE, "If you do not have this disc, contact your system administrator" },
	{ CF_SCREEN_BOOT_MANAGER, "en", ANYWHERE, "If you have a Windows installation disc, insert the disc and restart" },
	{ CF_SCREEN_BOOT_MANAGER, "en", ANYWHERE, "change might have installed a file that is signed incorrectly" },
	{ CF_SCREEN_BOOT_MANAGER, "en", ANYWHERE, "Choose an operating system to start, or press TAB to select a tool" },
	{ CF_SCREEN_BOOT_MANAGER, "en", ANYWHERE, "Windows has encountered a problem communicating with a device" },
	{ CF_SCREEN_BOOT_MANAGER, "sv", ANYWHERE, "Windows kunde inte startas. Problemet kan bero på" },
	{ CF_SCREEN_BOOT_MANAGER, "sv", ANYWHERE, "Problemet kan ha orsakats av att maskinvara eller programvara" },
	{ CF_SCREEN_BOOT_MANAGER, "sv", ANYWHERE, "Windows misslyckades att starta. En ny maskin" },
	{ CF_SCREEN_BOOT_MANAGER, "sv", ANYWHERE, "Windows-installationsskivan och starta om datorn" },
	{ CF_SCREEN_BOOT_MANAGER, "sv", ANYWHERE, "språkinställningar och klicka" },
	{ CF_SCREEN_BOOT_MANAGER, "sv", ANYWHERE, "Välj ett operativsystem som ska startas" },
	{ CF_SCREEN_BOOT_MANAGER, "nl", ANYWHERE, "Een recente wijziging in de hardware of software kan de oorzaak" },
	{ CF_SCREEN_BOOT_MANAGER, "nl", ANYWHERE, "door een recente hardware- of softwarewijziging" },
	{ CF_SCREEN_BOOT_MANAGER, "nl", ANYWHERE, "Windows-installatieschijf en start de computer opnieuw" },
	{ CF_SCREEN_BOOT_MANAGER, "nl", ANYWHERE, "installatieschijf van Windows en start de computer opnieuw" },
	{ CF_SCREEN_BOOT_MANAGER, "nl", ANYWHERE, "taalinstellingen en klik" },
	{ CF_SCREEN_BOOT_MANAGER, "nl", ANYWHERE, "Kies een besturingssysteem om te starten" },
	{ CF_SCREEN_BOOT_MANAGER, "fr", ANYWHERE, "Échec de démarrage de Windows. Une modification récente" },
	{ CF_SCREEN_BOOT_MANAGER, "fr", ANYWHERE, "modification récente du matériel ou du logiciel" },
	{ CF_SCREEN_BOOT_MANAGER, "fr", ANYWHERE, "Une modification matérielle ou logicielle récente" },
	{ CF_SCREEN_BOOT_MANAGER, "fr", ANYWHERE, "disque d'installation Windows et redémarrez" },
	{ CF_SCREEN_BOOT_MANAGER, "fr", ANYWHERE, "disque d'installation de Windows et redémarrez" },
	{ CF_SCREEN_BOOT_MANAGER, "fr", ANYWHERE, "paramètres de langue, puis cliquez" },
	{ CF_SCREEN_BOOT_MANAGER, "fr", ANYWHERE, "Choisissez un système d'exploitation à démarrer" },

	{ CF_SCREEN_RECOVERY, "en", ANYWHERE, "Your PC/Device needs to be repaired" },
	{ CF_SCREEN_RECOVERY, "en", ANYWHERE, "Your PC needs to be repaired" },
	{ CF_SCREEN_RECOVERY, "en", ANYWHERE, "You'll need to use the recovery tools on your installation media" },
	{ CF_SCREEN_RECOVERY, "en", ANYWHERE, "You'll need to use recovery tools. If you don't have any installation media" },
	{ CF_SCREEN_RECOVERY, "en", ANYWHERE, "Press F1 to enter Recovery Environment" },
	{ CF_SCREEN_RECOVERY, "sv", ANYWHERE, "Datorn/enheten behöver repareras" },
	{ CF_SCREEN_RECOVERY, "sv", ANYWHERE, "dator/enhet måste repareras" },
	{ CF_SCREEN_RECOVERY, "sv", ANYWHERE, "Datorn måste repareras" },
	{ CF_SCREEN_RECOVERY, "sv", ANYWHERE, "Du måste använda återställningsverktyg" },
	{ CF_SCREEN_RECOVERY, "nl", ANYWHERE, "pc/apparaat moet worden hersteld" },
	{ CF_SCREEN_RECOVERY, "nl", ANYWHERE, "pc/het apparaat moet worden gerepareerd" },
	{ CF_SCREEN_RECOVERY, "nl", ANYWHERE, "pc/apparaat moet worden gerepareerd" },
	{ CF_SCREEN_RECOVERY, "nl", ANYWHERE, "U moet de herstelprogramma's op" },
	{ CF_SCREEN_RECOVERY, "nl", ANYWHERE, "als u geen installatiemedia hebt" },
	{ CF_SCREEN_RECOVERY, "fr", ANYWHERE, "ordinateur/périphérique doit être réparé" },
	{ CF_SCREEN_RECOVERY, "fr", ANYWHERE, "Votre PC doit être réparé" },
	{ CF_SCREEN_RECOVERY, "fr", ANYWHERE, "outils de récupération de votre support d'installation" },
	{ CF_SCREEN_RECOVERY, "fr", ANYWHERE, "Vous devez utiliser des outils de récupération" },

	{ CF_SCREEN_STOP, "en", ANYWHERE, "ran into a problem and needs to restart" },
	{ CF_SCREEN_STOP, "en", ANYWHERE, "A problem has been detected and Windows has been shut down" },
	{ CF_SCREEN_STOP, "en", ANYWHERE, "Your device ran into a problem" },
	{ CF_SCREEN_STOP, "sv", ANYWHERE, "problem med datorn och den måste startas om" },
	{ CF_SCREEN_STOP, "sv", ANYWHERE, "stötte på ett problem och måste startas om" },
	{ CF_SCREEN_STOP, "nl", ANYWHERE, "probleem met uw pc opgetreden" },
	{ CF_SCREEN_STOP, "nl", ANYWHERE, "pc moet opnieuw worden opgestart" },
	{ CF_SCREEN_STOP, "fr", ANYWHERE, "Votre PC a rencontré un problème et doit redémarrer" },
	{ CF_SCREEN_STOP, "fr", ANYWHERE, "ordinateur a rencontré un problème et doit redémarrer" },

	{ CF_SCREEN_CHECK_DISK, "en", ANYWHERE, "Scanning and repairing drive" },
	{ CF_SCREEN_CHECK_DISK, "en", ANYWHERE, "Windows has checked the file system" },
	{ CF_SCREEN_CHECK_DISK, "en", ANYWHERE, "One of your disks needs to be checked for consistency" },
	{ CF_SCREEN_CHECK_DISK, "sv", ANYWHERE, "Skannar och reparerar enhet" },
	{ CF_SCREEN_CHECK_DISK, "sv", ANYWHERE, "Genomsöker och reparerar enhet" },
	{ CF_SCREEN_CHECK_DISK, "nl", ANYWHERE, "wordt gescand en gerepareerd" },
	{ CF_SCREEN_CHECK_DISK, "nl", ANYWHERE, "scannen en herstellen van station" },
	{ CF_SCREEN_CHECK_DISK, "fr", ANYWHERE, "Analyse et réparation du lecteur" },

	{ CF_SCREEN_LOGIN, "en", LINE, "Press Ctrl+Alt+Delete to unlock" },
	{ CF_SCREEN_LOGIN, "en", LINE, "Press Ctrl+Alt+Delete to sign in" },
	{ CF_SCREEN_LOGIN, "en", LINE, "Press CTRL + ALT + DELETE to log on" },
	{ CF_SCREEN_LOGIN, "sv", LINE, "Tryck på Ctrl+Alt+Delete för att låsa upp" },
	{ CF_SCREEN_LOGIN, "sv", LINE, "Tryck på Ctrl+Alt+Delete för att logga in" },
	{ CF_SCREEN_LOGIN, "nl", LINE, "Druk op Ctrl+Alt+Delete om te ontgrendelen" },
	{ CF_SCREEN_LOGIN, "nl", LINE, "Druk op Ctrl+Alt+Delete om u aan te melden" },
	{ CF_SCREEN_LOGIN, "fr", LINE, "Appuyez sur Ctrl+Alt+Suppr pour déverrouiller" },
	{ CF_SCREEN_LOGIN, "fr", LINE, "Appuyez sur Ctrl+Alt+Suppr pour vous connecter" },
	{ CF_SCREEN_LOGIN, "fr", LINE, "Appuyez sur Ctrl+Alt+Suppr pour ouvrir une session" },

	{ CF_SCREEN_STARTING_WINDOWS, "en", LINE, "Starting Windows" },
	{ CF_SCREEN_STARTING_WINDOWS, "sv", LINE, "Startar Windows" },
	{ CF_SCREEN_STARTING_WINDOWS, "nl", LINE, "Windows wordt gestart" },
	{ CF_SCREEN_STARTING_WINDOWS, "fr", LINE, "Démarrage de Windows" },

	{ CF_SCREEN_UNKNOWN, "en", NO_MEMORY, "isn't enough memory available to create a ramdisk device" },
	{ CF_SCREEN_UNKNOWN, "en", NO_MEMORY, "Ramdisk device creation failed due to insufficient memory" },
	{ CF_SCREEN_UNKNOWN, "sv", NO_MEMORY, "inte tillräckligt med minne för att skapa en ramdisk" },
	{ CF_SCREEN_UNKNOWN, "sv", NO_MEMORY, "inte tillräckligt med ledigt minne för att skapa en RAM-disk" },
	{ CF_SCREEN_UNKNOWN, "nl", NO_MEMORY, "onvoldoende geheugen beschikbaar voor het maken van een ramdisk" },
	{ CF_SCREEN_UNKNOWN, "nl", NO_MEMORY, "niet genoeg geheugen beschikbaar om een RAM-schijf te maken" },
	{ CF_SCREEN_UNKNOWN, "fr", NO_MEMORY, "mémoire disponible est insuffisante pour créer un périphérique ramdisk" },
	{ CF_SCREEN_UNKNOWN, "fr", NO_MEMORY, "pas assez de mémoire disponible pour créer un disque virtuel" },
};

/* One folded letter for a character, 0 to leave it out. Readers confuse 0/O, 1/l/I/|, 5/S, 8/B: each pair is one letter here. */
static char fold_ascii(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		c = (unsigned char)(c + 32);
	switch (c) {
	case '0':
		return 'o';
	case '1': case 'i': case '|': case '!':
		return 'l';
	case '5':
		return 's';
	case '8':
		return 'b';
	default:
		return (c >= 'a' && c <= 'z') || (c >= '2' && c <= '9') ? (char)c : 0;
	}
}

/* U+00C0 to U+00FF without accents; the multiplication and division signs are no letters. */
static char fold_latin(unsigned c)
{
	static const char plain[] = "aaaaaaaceeeellll"
				    "dnooooo.ouuuuybs";
	if (c < 0xc0 || c > 0xff)
		return 0;
	c = (c - 0xc0) & 31;
	return plain[c] == '.' ? 0 : plain[c];
}

int cf_fold(const char *text, size_t n, struct cf_buf *out)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];
		char f = 0;
		if (c < 0x80) {
			f = fold_ascii(c);
		} else if (c >= 0xc2 && c <= 0xc3 && i + 1 < n && ((unsigned char)text[i + 1] & 0xc0) == 0x80) {
			f = fold_latin((c & 0x1fu) << 6 | ((unsigned char)text[i + 1] & 0x3fu));
			i++;
		}
		if (f && cf_buf_append(out, &f, 1) < 0)
			return -1;
	}
	return 0;
}

/* Sellers' algorithm: one column of edit distances, free start in the text. */
unsigned cf_distance_in(struct cf_span text, struct cf_span needle, size_t *end)
{
	unsigned column[MAX_PHRASE + 1], best = (unsigned)needle.n;
	size_t m = needle.n < MAX_PHRASE ? needle.n : MAX_PHRASE;
	*end = 0;
	for (size_t i = 0; i <= m; i++)
		column[i] = (unsigned)i;
	for (size_t t = 0; t < text.n; t++) {
		unsigned diagonal = 0; /* column[0] of the row before */
		for (size_t i = 1; i <= m; i++) {
			unsigned keep = column[i], change = diagonal + (needle.p[i - 1] != text.p[t]);
			unsigned least = keep + 1 < column[i - 1] + 1 ? keep + 1 : column[i - 1] + 1;
			column[i] = change < least ? change : least;
			diagonal = keep;
		}
		if (column[m] < best) {
			best = column[m];
			*end = t + 1;
		}
	}
	return best;
}

/* The last place where needle stands letter for letter; its end, 0 if nowhere. */
static size_t last_exact(struct cf_span text, struct cf_span needle)
{
	size_t end = 0;
	for (size_t at = 0; needle.n && at + needle.n <= text.n;) {
		const uint8_t *p = memmem(text.p + at, text.n - at, needle.p, needle.n);
		if (!p)
			break;
		end = (size_t)(p - text.p) + needle.n;
		at = end;
	}
	return end;
}

struct score {
	double sum, quality;
	unsigned n;
	size_t last;
};

/* How well a phrase stands in the text, 0..1 and 0 for not at all. */
static double find_one(const struct phrase *p, struct cf_span needle, const char *text, struct cf_span folded, bool exact, size_t *end)
{
	if (exact) {
		*end = last_exact(folded, needle);
		return *end ? 1 : 0;
	}
	if (p->kind != LINE) {
		unsigned d = cf_distance_in(folded, needle, end);
		return d <= TOLERANCE * (double)needle.n ? 1 - (double)d / (double)needle.n : 0;
	}
	/* A whole line, with at most a word before or behind it: a sentence that quotes it is something else. */
	double best = 0;
	for (const char *s = text; *s;) {
		size_t n = strcspn(s, "\n"), at;
		CF_BUF line = { 0 };
		if (n < 400 && cf_fold(s, n, &line) == 0 && line.n <= needle.n + 4) {
			unsigned d = cf_distance_in(cf_buf_span(&line), needle, &at);
			double q = d <= 0.15 * (double)needle.n ? 1 - (double)d / (double)needle.n : 0;
			best = q > best ? q : best;
		}
		s += n + (s[n] == '\n');
	}
	*end = folded.n;
	return best;
}

static void choose(struct score score[CF_SCREENS][4], const char *const language[4], bool exact, struct cf_phrases *out)
{
	double best = 0;
	for (int s = 0; s < CF_SCREENS; s++)
		for (int l = 0; l < 4; l++) {
			const struct score *c = &score[s][l];
			double weight = exact ? (double)c->last : c->sum;
			if (!c->n || weight <= best)
				continue;
			best = weight;
			out->screen = (enum cf_screen)s;
			out->language = language[l];
			out->n = c->n;
			out->quality = c->quality;
			out->last = c->last;
		}
}

int cf_phrases_find(const char *text, bool exact, struct cf_phrases *out)
{
	static const char *const language[4] = { "en", "sv", "nl", "fr" };
	struct score score[CF_SCREENS][4] = { 0 };
	CF_BUF folded = { 0 };
	*out = (struct cf_phrases){ 0 };
	if (cf_fold(text, strlen(text), &folded) < 0)
		return -1;
	if (!exact && folded.n > MAX_TEXT)
		folded.n = MAX_TEXT;
	for (size_t i = 0; i < CF_ARRAY_LEN(phrases); i++) {
		const struct phrase *p = &phrases[i];
		size_t end = 0, l = 0;
		CF_BUF needle = { 0 };
		if (cf_fold(p->text, strlen(p->text), &needle) < 0)
			return -1;
		double q = find_one(p, cf_buf_span(&needle), text, cf_buf_span(&folded), exact, &end);
		if (q <= 0)
			continue;
		if (p->kind == NO_MEMORY) {
			if (q > out->no_memory)
				out->no_memory_language = p->language;
			out->no_memory = q > out->no_memory ? q : out->no_memory;
			continue;
		}
		while (strcmp(language[l], p->language) != 0)
			l++;
		struct score *s = &score[p->screen][l];
		s->n++;
		s->sum += q * (double)needle.n;
		s->quality = q > s->quality ? q : s->quality;
		s->last = end > s->last ? end : s->last;
	}
	choose(score, language, exact, out);
	return 0;
}
