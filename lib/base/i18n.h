/* i18n.h - marking messages for translation.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Texts for people are English and marked with _() where they are used, N_() in tables. No catalogue ships yet, so both are the
 * text itself; binding a gettext domain later changes only this file.
 */
#ifndef CF_BASE_I18N_H
#define CF_BASE_I18N_H

#define _(s) (s)
#define N_(s) (s)

#endif
