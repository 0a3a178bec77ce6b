/* symptom.c - files to screens and articles; and which problems an article is about.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "symptom/symptom.h"

#include <stdio.h>
#include <string.h>

#include "job/session.h"
#include "job/symptom.h"

static json_t *string_or_null(const char *s)
{
	return s ? json_string(s) : json_null();
}

/* What to type next; DISK stands for the disk, %s for the file. */
static const char *next_of(const struct cf_symptom *s)
{
	if (s->article && strcmp(s->article, "status-no-memory") == 0)
		return "coldfix repair --symptom FILE --dry-run DISK";
	if (s->article)
		return "coldfix explain starting-windows DISK";
	switch (s->screen) {
	case CF_SCREEN_STOP:
		return "coldfix dump DISK list";
	case CF_SCREEN_SERIAL:
		return s->has_code && (s->code >> 28) != 0xc ? "coldfix dump DISK list" : s->has_code ? "coldfix diagnose DISK" : NULL;
	case CF_SCREEN_LOGIN:
		return NULL;
	default:
		return "coldfix diagnose DISK";
	}
}

json_t *cf_describe_symptom(const char *path, const struct cf_symptom *s)
{
	char code[16];
	snprintf(code, sizeof code, "0x%08X", s->code);
	json_t *j = json_object();
	json_object_set_new(j, "path", cf_json_text(path));
	json_object_set_new(j, "code", s->has_code ? json_string(code) : json_null());
	json_object_set_new(j, "code_name", string_or_null(s->has_code ? s->name : NULL));
	json_object_set_new(j, "screen", json_string(cf_screen_name(s->screen)));
	json_object_set_new(j, "language", string_or_null(s->language));
	json_object_set_new(j, "article", string_or_null(s->article));
	json_object_set_new(j, "confidence", json_real((double)(int)(s->sure * 100 + 0.5) / 100));
	json_object_set_new(j, "recognised", json_boolean(s->recognised));
	json_object_set_new(j, "next", string_or_null(next_of(s)));
	json_object_set_new(j, "note", string_or_null(s->note));
	return j;
}

int cf_job_symptom(const struct cf_request *req, struct cf_result *r)
{
	json_t *files = json_array();
	json_object_set_new(r->doc, "files", files);
	if (!req->args || !req->args[0])
		return cf_fail(&r->error, CF_E_USAGE, "no file was named: coldfix symptom FILE ...");
	int result = 0;
	for (size_t i = 0; req->args[i]; i++) {
		struct cf_symptom s;
		struct cf_error err = { 0 };
		int ret = cf_symptom_read(req->args[i], &s, &err);
		json_t *j = cf_describe_symptom(req->args[i], &s);
		if (s.text.n > 1)
			json_object_set_new(j, "text", cf_json_text((char *)s.text.p));
		/* One that can't be read does not keep the others from being looked at; the first of them is the command's error. */
		if (ret < 0) {
			json_object_set_new(j, "error", cf_json_text(err.message));
			if (result == 0)
				r->error = err;
			result = -1;
		} else if (!s.recognised) {
			r->exit_status = 4;
		}
		json_array_append_new(files, j);
		cf_buf_free(&s.text);
	}
	return result;
}

int cf_symptom_article(const char *file, json_t **described, const char **article, struct cf_error *err)
{
	struct cf_symptom s;
	int ret = cf_symptom_read(file, &s, err);
	if (ret == 0 && !s.article) {
		const char *what = !s.recognised		       ? "is not recognised"
				   : s.screen == CF_SCREEN_LOGIN ? "shows a log-in screen: Windows has started"
								 : "belongs to no article that coldfix carries out";
		ret = cf_fail(err, CF_E_REFUSED,
			      "this symptom %s (screen: %s); nothing was changed. Without --symptom everything that is found is repaired",
			      what, cf_screen_name(s.screen));
		cf_fail_path(err, file);
	}
	if (ret == 0) {
		*described = cf_describe_symptom(file, &s);
		*article = s.article;
	}
	cf_buf_free(&s.text);
	return ret;
}

bool cf_article_covers(const char *article, const struct cf_problem *p)
{
	/* What has to be on before a hang can be looked into; their rows name the other article, which has them as a step too. */
	static const char *const starting[] = { "serial-console-off", "crash-dump-off", "dump-has-no-room" };
	if (strcmp(p->article, article) == 0)
		return true;
	for (size_t i = 0; strcmp(article, CF_ARTICLE_STARTING_WINDOWS) == 0 && i < CF_ARRAY_LEN(starting); i++)
		if (strcmp(p->id, starting[i]) == 0)
			return true;
	return false;
}
