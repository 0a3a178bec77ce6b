#!/usr/bin/python3
"""accuracy.py - recall and false alarms of `coldfix symptom`, on drawn screens and on the real ones that are at hand.

usage: accuracy.py COLDFIX FOLDER [--positives N] [--others N] [--seed N] [--shared DIR]

Draws the screens into FOLDER (render.py), runs coldfix on each, and lists every one that is not classified as it should be. A positive is right when
screen, code, language and article are; another screen when screen and article are, and code and language where it has them. real.tsv says what the real ones show.
Exit status 1 when recall is under 99 % or another screen was taken for 0xC0000017.
"""
# SPDX-License-Identifier: GPL-2.0-or-later
import argparse
import concurrent.futures
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def drawn(folder, o):
    subprocess.run(['/usr/bin/python3', '-B', os.path.join(HERE, 'render.py'), '--out', folder, '--positives', str(o.positives), '--others', str(o.others),
                    '--seed', str(o.seed)], check=True)
    with open(os.path.join(folder, 'truth.json')) as f:
        return [dict(t, file=os.path.join(folder, t['file'])) for t in json.load(f)]


def real(shared):
    shots, out = os.path.join(shared, 'data', 'screenshots'), []
    with open(os.path.join(HERE, 'real.tsv')) as f:
        for line in f:
            if line.startswith('#') or not line.strip():
                continue
            path, screen, code, language, article = line.rstrip('\n').split('\t')
            out.append(dict(file=os.path.join(shots, path), kind='real', how='', screen=screen, code=code if code != '-' else None,
                            language=language if language != '-' else None, article=article if article != '-' else None))
    return [t for t in out if os.path.exists(t['file'])]


def read(coldfix, true):
    done = subprocess.run([coldfix, 'symptom', '--json', true['file']], capture_output=True, text=True)
    answer = json.loads(done.stdout)
    return answer['files'][0] if answer.get('files') else {'error': answer['error']['message']}


def wrong(true, seen):
    keys = ['screen', 'article'] + [k for k in ('code', 'language') if true['kind'] != 'other' or true[k]]
    return ['%s: %s instead of %s' % (k, seen.get(k), true[k]) for k in keys if seen.get(k) != true[k]] + ([seen['error']] if 'error' in seen else [])


def main():
    usage = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    usage.add_argument('coldfix')
    usage.add_argument('folder')
    usage.add_argument('--positives', type=int, default=200)
    usage.add_argument('--others', type=int, default=200)
    usage.add_argument('--seed', type=int, default=1)
    usage.add_argument('--shared', default=os.environ.get('COLDFIX_SHARED', ''))
    o = usage.parse_args()
    work = drawn(o.folder, o) + (real(o.shared) if o.shared else [])
    good, count, alarms = {}, {}, 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for i, (true, seen) in enumerate(zip(work, pool.map(lambda t: read(o.coldfix, t), work))):
            kind, faults = true['kind'], wrong(true, seen)
            count[kind] = count.get(kind, 0) + 1
            good[kind] = good.get(kind, 0) + (not faults)
            alarms += true['code'] != '0xC0000017' and (seen.get('code') == '0xC0000017' or seen.get('article') == 'status-no-memory')
            if faults:
                print('%s (%s): %s' % (os.path.relpath(true['file'], o.folder), true['how'], '; '.join(faults)), flush=True)
            if sys.stderr.isatty():
                print('\r%d of %d' % (i + 1, len(work)), end='\r', file=sys.stderr, flush=True)
    for kind, name in (('positive', 'recall of 0xC0000017, four languages, drawn'), ('other', 'other screens right, drawn'), ('real', 'real screenshots right')):
        if count.get(kind):
            print('%-46s %4d of %4d  %5.1f %%' % (name, good[kind], count[kind], 100 * good[kind] / count[kind]))
    print('%-46s %4d' % ('other screens taken for 0xC0000017', alarms))
    return 1 if alarms or good.get('positive', 0) < 0.99 * count.get('positive', 0) else 0


sys.exit(main())
