#!/usr/bin/python3
"""render.py - draws boot screens as Windows draws them, with the truth about each beside it.

usage: render.py --out DIR [--positives N] [--others N] [--seed N] [--pick NAME,...]

N positives show 0xC0000017 on a Boot Manager or Recovery screen in four languages; N others are everything else: other codes, blue
screens, disk checks, log-ins, desktops, consoles, logos. truth.json says what each file is. Fonts that stand in for Windows' own:
Open Sans and Noto Sans for Segoe UI, DejaVu Sans Mono, Liberation Mono and Cousine for Segoe Mono Boot and Consolas, Unifont (8 x 16
pixels) for the VGA text mode. The same seed draws the same images.
SPDX-License-Identifier: GPL-2.0-or-later
"""
import argparse
import json
import os
import random
import textwrap

from PIL import Image, ImageDraw, ImageFilter, ImageFont

import wordings as w

FONTS = '/usr/share/fonts/'
SANS = {'Open Sans': 'truetype/open-sans/OpenSans-Regular.ttf', 'Open Sans Light': 'truetype/open-sans/OpenSans-Light.ttf',
        'Noto Sans': 'truetype/noto/NotoSans-Regular.ttf'}
MONO = {'DejaVu Sans Mono': 'truetype/dejavu/DejaVuSansMono.ttf', 'Liberation Mono': 'truetype/liberation/LiberationMono-Regular.ttf',
        'Cousine': 'truetype/croscore/Cousine-Regular.ttf'}
VGA = 'opentype/unifont/unifont.otf'
SIZES = [(640, 480), (720, 400), (800, 600), (1024, 768), (1024, 768), (1024, 768), (1152, 864), (1280, 720), (1280, 1024), (1366, 768), (1600, 900),
         (1920, 1080)]
FORMATS = ['png', 'png', 'jpg', 'jpg', 'jpg', 'ppm', 'bmp']


def font(path, size):
    return ImageFont.truetype(FONTS + path, size)


class Screen:
    def __init__(self, rng, size, color):
        self.rng, self.size = rng, size
        self.image = Image.new('RGB', size, color)
        self.draw = ImageDraw.Draw(self.image)
        self.how = []

    def text(self, x, y, text, face, fill=(255, 255, 255), width=None):
        """Wrapped to width pixels; returns the y below it."""
        lines = [text]
        if width:
            lines, line = [], ''
            for word in text.split(' '):
                if line and face.getlength(line + ' ' + word) > width:
                    lines.append(line)
                    line = word
                else:
                    line = (line + ' ' + word).strip() if line else word
            lines.append(line)
        step = int(face.size * 1.36)
        for line in lines:
            self.draw.text((x, y), line, font=face, fill=fill)
            y += step
        return y


class Terminal:
    """80 columns of a fixed font, as boot manager and text consoles have them."""

    def __init__(self, rng, size=None, color=(0, 0, 0), rows=25):
        self.vga = rng.random() < 0.25
        if self.vga:
            name, self.face = 'Unifont', font(VGA, 16)
            self.cell, size, rows = (8, 16), (640, rows * 16), rows
        else:
            name = rng.choice(list(MONO))
            size = size or rng.choice(SIZES[2:])
            self.cell = (size[0] / 80, size[1] / rows)
            points = 8
            while font(MONO[name], points + 1).getlength('M') <= self.cell[0]:
                points += 1
            self.face = font(MONO[name], points)
        self.screen = Screen(rng, size, color)
        self.screen.how.append(name)

    def put(self, row, column, text, fill=(191, 191, 191)):
        d = self.screen.draw
        if self.vga:
            d.fontmode = '1'
        for i, c in enumerate(text):
            d.text(((column + i) * self.cell[0], row * self.cell[1]), c, font=self.face, fill=fill)

    def bar(self, row):
        self.screen.draw.rectangle((0, row * self.cell[1], self.screen.size[0], (row + 1) * self.cell[1] - 1), fill=(191, 191, 191))


def boot_manager(rng, language, code, info):
    t, v = Terminal(rng), rng.choice(w.BOOT[language])
    t.bar(0)
    t.put(0, (80 - len(v['title'])) // 2, v['title'], (0, 0, 0))
    row = 2
    for paragraph in v['body'].split('\n'):
        indent = '     ' if paragraph.startswith(' ') else ''
        for line in textwrap.wrap(paragraph, 78, initial_indent='  ' if indent else '', subsequent_indent=indent) if paragraph != '|' else ['']:
            t.put(row, 0, line)
            row += 1
    row = max(row + 1, 13 + rng.randrange(2))
    name = rng.choice(w.FILES)
    if name:
        t.put(row, 4, v['file'] + ': ')
        t.put(row, 6 + len(v['file']), name, (255, 255, 255))
        row += 2
    t.put(row, 4, v['status'] + ': ')
    t.put(row, 6 + len(v['status']), code, (255, 255, 255))
    row += 2
    t.put(row, 4, v['info'] + ': ')
    for line in textwrap.wrap(info, 70 - len(v['info'])):
        t.put(row, 6 + len(v['info']), line, (255, 255, 255))
        row += 1
    t.bar(24)
    t.put(24, 1, v['keys'][0], (0, 0, 0))
    t.put(24, 78 - len(v['keys'][1]), v['keys'][1], (0, 0, 0))
    return t.screen


def recovery(rng, language, code, info):
    size = rng.choice(SIZES)
    s, v, name = Screen(rng, size, (33, 101, 181)), rng.choice(w.RECOVERY[language]), rng.choice(list(SANS))
    s.how.append(name)
    unit = max(size[1] / 768, 0.72)
    small, middle, large = (font(SANS[name], round(n * unit)) for n in (14, 20, 42))
    x, width = size[0] * 0.17, size[0] * 0.62
    y = s.text(x, size[1] * 0.05, v['title'], large)
    y = s.text(x, y + 8 * unit, v['repair'], middle, width=width) + 14 * unit
    y = s.text(x, y, info, small, width=width) + 16 * unit
    file = rng.choice(w.FILES)
    if file:
        y = s.text(x, y, v['file'] + ': ' + file, small)
    y = s.text(x, y + 3, v['code'] + ('\u00a0: ' if language == 'fr' else ': ') + code, small) + 16 * unit
    y = s.text(x, y, v['tools'], small, width=width)
    y = max(size[1] * 0.7, y + 20 * unit)
    for key in v['keys']:
        y = s.text(x, y, key, middle) + 4
    return s


def stop(rng, language, name):
    size = rng.choice(SIZES[2:])
    s, v, face = Screen(rng, size, (0, 120, 215)), w.STOP[language], rng.choice(list(SANS))
    s.how.append(face)
    unit = size[1] / 768
    x, width = size[0] * 0.1, size[0] * 0.72
    s.text(x, size[1] * 0.1, ':(', font(SANS[face], round(110 * unit)))
    y = s.text(x, size[1] * 0.36, v[0], font(SANS[face], round(27 * unit)), width=width) + 20 * unit
    y = s.text(x, y, v[1].format(rng.randrange(100)), font(SANS[face], round(27 * unit))) + 20 * unit
    small, side = font(SANS[face], max(11, round(14 * unit))), int(100 * unit)
    s.draw.rectangle((x, y, x + side, y + side), fill=(255, 255, 255))
    for i in range(3, side - 3, 4):
        for k in range(3, side - 3, 4):
            if rng.random() < 0.5:
                s.draw.rectangle((x + i, y + k, x + i + 3, y + k + 3), fill=(0, 120, 215))
    for line in v[2:]:
        y = s.text(x + side + 16, y, line.format(name), small, width=width - side) + 6
    return s


def old_stop(rng, line):
    t = Terminal(rng, color=(0, 0, 128))
    text = ('A problem has been detected and Windows has been shut down to prevent damage\nto your computer.\n\nIf this is the first time you\'ve seen this Stop error screen,\n'
            'restart your computer. If this screen appears again, follow\nthese steps:\n\nCheck for viruses on your computer. Remove any newly installed\n'
            'hard drives or hard drive controllers.\n\nTechnical information:\n')
    row = 1
    for part in text.split('\n'):
        t.put(row, 0, part, (255, 255, 255))
        row += 1
    for part in textwrap.wrap('*** STOP: ' + line, 79):
        t.put(row, 0, part, (255, 255, 255))
        row += 1
    return t.screen


def logo(rng, caption, kind, size=None):
    size = size or rng.choice(SIZES)
    s = Screen(rng, size, (0, 0, 0))
    side, cx, cy = size[1] * 0.22, size[0] / 2, size[1] * 0.38
    gap, color = max(2, side * 0.035), (0, 173, 239) if kind == 10 else (0, 120, 215)
    x0, y0, x1, y1 = cx - side / 2, cy - side / 2, cx + side / 2, cy + side / 2
    lean = side * 0.07 if kind == 10 else 0
    mid = x0 + side * (0.42 if kind == 10 else 0.5)

    def top(x):
        return y0 + lean * (x1 - x) / side

    def bottom(x):
        return y1 - lean * (x1 - x) / side
    for a, b in ((x0, mid - gap / 2), (mid + gap / 2, x1)):
        s.draw.polygon([(a, top(a)), (b, top(b)), (b, cy - gap / 2), (a, cy - gap / 2)], fill=color)
        s.draw.polygon([(a, cy + gap / 2), (b, cy + gap / 2), (b, bottom(b)), (a, bottom(a))], fill=color)
    for i in range(rng.randrange(3, 6)):
        r = max(1.5, size[1] / 250)
        x, y = cx + rng.uniform(-1, 1) * size[1] * 0.025, size[1] * 0.75 + rng.uniform(-1, 1) * size[1] * 0.025
        s.draw.ellipse((x - r, y - r, x + r, y + r), fill=(255, 255, 255))
    if caption:
        name = rng.choice(list(SANS))
        face = font(SANS[name], max(12, round(size[1] / 40)))
        s.how.append(name)
        s.text(cx - face.getlength(caption) / 2, size[1] * 0.84, caption, face)
    return s


def starting_seven(rng, language):
    size = rng.choice([(640, 480), (800, 600), (1024, 768)])
    s, name = Screen(rng, size, (0, 0, 0)), rng.choice(list(SANS))
    s.how.append(name)
    face, small = font(SANS[name], round(size[1] / 26)), font(SANS[name], max(10, round(size[1] / 50)))
    cx, cy = size[0] / 2, size[1] * 0.42
    for color, dx, dy in (((220, 80, 30), -1, -1), ((120, 190, 40), 1, -1), ((20, 130, 210), -1, 1), ((250, 190, 20), 1, 1)):
        if rng.random() < 0.8:
            r = size[1] * 0.035
            s.draw.ellipse((cx + dx * r * 1.3 - r, cy + dy * r * 1.3 - r, cx + dx * r * 1.3 + r, cy + dy * r * 1.3 + r), fill=color)
    text = w.STARTING[language]
    s.text(cx - face.getlength(text) / 2, size[1] * 0.65, text, face)
    text = '© Microsoft Corporation'
    s.text(cx - small.getlength(text) / 2, size[1] * 0.93, text, small, (120, 120, 120))
    return s


def centered(rng, text, color):
    size = rng.choice(SIZES[2:])
    s, name = Screen(rng, size, color), rng.choice(list(SANS))
    s.how.append(name)
    face = font(SANS[name], max(14, round(size[1] / 36)))
    s.text(max(4, size[0] / 2 - face.getlength(text) / 2), size[1] * 0.55, text, face, width=size[0] * 0.9)
    return s


def login(rng, language):
    size = rng.choice(SIZES[2:])
    s, name = Screen(rng, size, rng.choice([(48, 47, 48), (0, 90, 158), (8, 24, 66), (20, 20, 20)])), rng.choice(list(SANS))
    s.how.append(name)
    s.text(size[0] * 0.06, size[1] * 0.06, rng.choice(w.LOGIN[language]), font(SANS[name], max(13, round(size[1] / 48))))
    s.text(size[0] * 0.05, size[1] * 0.6, '%d:%02d' % (rng.randrange(1, 13), rng.randrange(60)), font(SANS[name], round(size[1] / 7)))
    s.text(size[0] * 0.055, size[1] * 0.8, w.DATE[language], font(SANS[name], round(size[1] / 16)))
    return s


def desktop(rng):
    size = rng.choice(SIZES[3:])
    s, name = Screen(rng, size, rng.choice([(0, 90, 158), (30, 30, 60), (60, 100, 60)])), rng.choice(list(SANS))
    s.how.append(name)
    face = font(SANS[name], max(12, round(size[1] / 60)))
    words = ['Server Manager', 'Recycle Bin', 'Microsoft Edge', 'This PC', 'Event Viewer', 'Task Manager', 'Services', 'Local Server', 'All Servers', 'File and Storage Services',
             'Error code 0xC0000005', 'Status', 'Boot Configuration Data', 'Windows Update', 'Memory', 'Disk Management', 'Recovery Partition', '0xC0000142']
    for i in range(rng.randrange(2, 5)):
        x, y = rng.randrange(size[0] * 2 // 3), rng.randrange(size[1] * 2 // 3)
        s.draw.rectangle((x, y, x + size[0] // 3, y + size[1] // 3), fill=(243, 243, 243), outline=(0, 120, 215))
        for k in range(6):
            y = s.text(x + 10, y + 6, rng.choice(words), face, (20, 20, 20))
    s.draw.rectangle((0, size[1] - size[1] // 24, size[0], size[1]), fill=(20, 20, 20))
    s.text(size[0] - face.getlength('00:00 00/00/0000') - 8, size[1] - size[1] // 26, '%02d:%02d %d/%d/2024' % (rng.randrange(24), rng.randrange(60), rng.randrange(1, 13), rng.randrange(1, 29)), face)
    return s


def console(rng, text):
    t = Terminal(rng)
    for row, line in enumerate(text.split('\n')):
        t.put(row + rng.randrange(1), 0, line[:80])
    return t.screen


def blank(rng):
    s = Screen(rng, rng.choice(SIZES), (0, 0, 0))
    if rng.random() < 0.5:
        s.draw.rectangle((0, 14, 7, 15), fill=(191, 191, 191))
    return s


def spoil(rng, s, name):
    """Scales and compresses as it happens on the way from the VM to a ticket; returns the file's name."""
    image, kind = s.image, rng.choice(FORMATS)
    if rng.random() < 0.3 and image.size[0] >= 800:
        factor = rng.choice([0.75, 0.8, 0.9, 1.1, 1.25, 1.5])
        size = (int(image.size[0] * factor), int(image.size[1] * factor))
        if size[0] >= 640 and size[1] >= 400:
            image = image.resize(size, rng.choice([Image.BILINEAR, Image.BICUBIC]))
            s.how.append('scaled to %d %%' % (factor * 100))
    if rng.random() < 0.1:
        image = image.filter(ImageFilter.GaussianBlur(0.5))
        s.how.append('blurred')
    options = {}
    if kind == 'jpg':
        options['quality'] = rng.choice([35, 50, 60, 75, 85, 92])
        s.how.append('JPEG %d' % options['quality'])
    file = '%s.%s' % (name, kind)
    s.how.insert(0, '%dx%d' % image.size)
    return file, image, options


def positive(rng, i):
    language = w.LANGUAGES[i % 4]
    draw = boot_manager if (i // 4) % 2 else recovery
    code = w.NO_MEMORY if rng.random() < 0.8 else w.NO_MEMORY.upper().replace('X', 'x')
    info = rng.choice(w.RAMDISK[language] if rng.random() < 0.8 else w.MISSING[language])
    screen = 'boot-manager' if draw is boot_manager else 'recovery'
    return draw(rng, language, code, info), dict(screen=screen, code='0xC0000017', language=language, article='status-no-memory')


def negative(rng, i):
    language, kind = w.LANGUAGES[(i // 10) % 4], i % 10
    none = dict(code=None, language=None, article=None)
    if kind < 3:
        draw = (boot_manager, recovery)[(i // 40 + kind) % 2]
        code = w.OTHER_CODES[(i // 10 * 3 + kind) % len(w.OTHER_CODES)]
        s = draw(rng, language, code, rng.choice(w.OTHER_INFO[language] + w.MISSING[language]))
        return s, dict(none, screen='boot-manager' if draw is boot_manager else 'recovery', code='0x' + code[2:].upper(), language=language)
    if kind == 3:
        if rng.random() < 0.3:
            line = rng.choice(w.OLD_STOP)
            return old_stop(rng, line), dict(none, screen='stop', code=line[:10], language='en')
        name = rng.choice(list(w.STOP_CODES))
        return stop(rng, language, name), dict(none, screen='stop', code=w.STOP_CODES[name], language=language)
    if kind == 4:
        return centered(rng, w.CHECK_DISK[language].format(rng.randrange(100)), (0, 0, 0)), dict(none, screen='check-disk', language=language)
    if kind == 5:
        return login(rng, language), dict(none, screen='login', language=language)
    if kind == 6:
        return desktop(rng), dict(none, screen='unknown')
    if kind == 7:
        return console(rng, rng.choice(w.LINUX)), dict(none, screen='unknown')
    if kind == 8:
        if rng.random() < 0.4:
            return logo(rng, '', rng.choice([10, 11])), dict(none, screen='starting-windows', article='starting-windows')
        return starting_seven(rng, language), dict(none, screen='starting-windows', language=language, article='starting-windows')
    choice = rng.randrange(4)
    if choice == 0:
        return blank(rng), dict(none, screen='blank')
    if choice == 1:
        return console(rng, rng.choice(w.CONSOLE)), dict(none, screen='unknown')
    if choice == 2:
        return logo(rng, rng.choice(w.PLEASE_WAIT), 10), dict(none, screen='unknown')
    return centered(rng, rng.choice(w.PLEASE_WAIT), rng.choice([(0, 90, 158), (8, 24, 66)])), dict(none, screen='unknown')


def main():
    usage = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    usage.add_argument('--out', required=True)
    usage.add_argument('--positives', type=int, default=200)
    usage.add_argument('--others', type=int, default=200)
    usage.add_argument('--seed', type=int, default=1)
    usage.add_argument('--pick', help='only these: positive-000,other-003,...')
    o = usage.parse_args()
    os.makedirs(o.out, exist_ok=True)
    truth = []
    for kind, count, make in (('positive', o.positives, positive), ('other', o.others, negative)):
        for i in range(count):
            if o.pick and '%s-%03d' % (kind, i) not in o.pick.split(','):
                continue
            rng = random.Random('%s %d %d' % (kind, o.seed, i))
            screen, true = make(rng, i)
            file, image, options = spoil(rng, screen, '%s-%03d' % (kind, i))
            image.save(os.path.join(o.out, file), **options)
            truth.append(dict(true, file=file, kind=kind, how=', '.join(screen.how)))
    with open(os.path.join(o.out, 'truth.json'), 'w') as f:
        json.dump(truth, f, indent=1, ensure_ascii=False)


main()
