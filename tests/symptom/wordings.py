"""wordings.py - what stands on the screens that render.py draws, in English, Swedish, Dutch and French.

The English texts are Windows' own as the screenshots at hand show them. The others follow the translated articles and Windows'
translations as far as they are known to us; every text of boot manager and recovery screen has a second wording, so that nothing
hangs on one sentence.
SPDX-License-Identifier: GPL-2.0-or-later
"""

NO_MEMORY = '0xc0000017'
LANGUAGES = ('en', 'sv', 'nl', 'fr')

BOOT = {
    'en': [dict(title='Windows Boot Manager', file='File', status='Status', info='Info', keys=('ENTER=Continue', 'ESC=Exit'), body='''\
Windows failed to start. A recent hardware or software change might be the cause. To fix the problem:
|
  1. Insert your Windows installation disc and restart your computer.
  2. Choose your language settings, and then click "Next."
  3. Click "Repair your computer."
|
If you do not have this disc, contact your system administrator or computer manufacturer for assistance.''')],
    'sv': [dict(title='Starthanteraren i Windows', file='Fil', status='Status', info='Information', keys=('RETUR=Fortsätt', 'ESC=Avsluta'), body='''\
Windows kunde inte startas. Problemet kan bero på en nyligen genomförd ändring av maskinvara eller programvara. Så här löser du problemet:
|
  1. Sätt i Windows-installationsskivan och starta om datorn.
  2. Välj språkinställningar och klicka sedan på Nästa.
  3. Klicka på Reparera datorn.
|
Om du inte har den här skivan kontaktar du systemadministratören eller datortillverkaren för att få hjälp.'''),
           dict(title='Windows Boot Manager', file='Fil', status='Status', info='Info', keys=('RETUR=Fortsätt', 'ESC=Avsluta'), body='''\
Windows misslyckades att starta. En ny maskin- eller programvaruändring kan vara orsaken. Så här åtgärdar du problemet:
|
  1. Sätt in Windows-installationsskivan och starta om datorn.
  2. Välj dina språkinställningar och klicka på Nästa.
  3. Klicka på Reparera datorn.
|
Kontakta systemadministratören eller datortillverkaren om du inte har skivan.''')],
    'nl': [dict(title='Windows-opstartbeheer', file='Bestand', status='Status', info='Info', keys=('ENTER=Doorgaan', 'ESC=Afsluiten'), body='''\
Windows kan niet worden gestart. Een recente wijziging in de hardware of software kan de oorzaak zijn. U kunt als volgt het probleem oplossen:
|
  1. Plaats de Windows-installatieschijf en start de computer opnieuw op.
  2. Kies de taalinstellingen en klik op Volgende.
  3. Klik op Uw computer herstellen.
|
Neem contact op met de systeembeheerder of de fabrikant van de computer als u niet over deze schijf beschikt.'''),
           dict(title='Windows Opstartbeheer', file='Bestand', status='Status', info='Informatie', keys=('ENTER=Doorgaan', 'ESC=Afsluiten'), body='''\
Windows kan niet starten. Dit wordt mogelijk veroorzaakt door een recente hardware- of softwarewijziging. Het probleem oplossen:
|
  1. Plaats de installatieschijf van Windows en start de computer opnieuw.
  2. Kies uw taalinstellingen en klik vervolgens op Volgende.
  3. Klik op Computer herstellen.
|
Als u deze schijf niet hebt, neemt u contact op met de systeembeheerder of de computerfabrikant.''')],
    'fr': [dict(title='Gestionnaire de démarrage Windows', file='Fichier', status='État', info='Info', keys=('ENTRÉE=Continuer', 'ÉCHAP=Quitter'), body='''\
Échec de démarrage de Windows. Une modification récente du matériel ou du logiciel pourrait être la cause de l'incident. Pour résoudre le problème :
|
  1. Insérez votre disque d'installation Windows et redémarrez votre ordinateur.
  2. Choisissez vos paramètres de langue, puis cliquez sur « Suivant ».
  3. Cliquez sur « Réparer votre ordinateur ».
|
Si vous n'avez pas ce disque, contactez votre administrateur système ou le fabricant de votre ordinateur pour obtenir de l'aide.'''),
           dict(title='Gestionnaire de démarrage Windows', file='Fichier', status='Statut', info='Informations', keys=('ENTRÉE=Continuer', 'ÉCHAP=Quitter'), body='''\
Windows n'a pas pu démarrer. Une modification matérielle ou logicielle récente peut en être la cause. Pour résoudre le problème :
|
  1. Insérez le disque d'installation de Windows et redémarrez l'ordinateur.
  2. Choisissez les paramètres de langue, puis cliquez sur Suivant.
  3. Cliquez sur Réparer l'ordinateur.
|
Si vous ne disposez pas de ce disque, contactez votre administrateur système ou le fabricant de l'ordinateur.''')],
}

RECOVERY = {
    'en': [dict(title='Recovery', repair='Your PC/Device needs to be repaired', file='File', code='Error code', tools="You'll need to use the recovery tools on "
                "your installation media. If you don't have any installation media (like a disc or USB device), contact your system administrator or PC "
                "manufacturer.", keys=('Press Esc for recovery', 'Press Enter to try again', 'Press F8 for Startup Settings')),
           dict(title='Recovery', repair='Your PC needs to be repaired', file='File', code='Error code', tools="You'll need to use recovery tools. If you "
                "don't have any installation media (like a disc or USB device), contact your PC administrator or PC/Device manufacturer.",
                keys=('Press Enter to try again', 'Press F1 to enter Recovery Environment', 'Press Esc for UEFI Firmware Settings'))],
    'sv': [dict(title='Återställning', repair='Datorn/enheten behöver repareras', file='Fil', code='Felkod', tools='Du måste använda återställningsverktygen på '
                'installationsmediet. Om du inte har något installationsmedium (t.ex. en skiva eller USB-enhet) kontaktar du systemadministratören eller '
                'datortillverkaren.', keys=('Tryck på Esc för återställning', 'Tryck på Retur om du vill försöka igen')),
           dict(title='Återställning', repair='Din dator/enhet måste repareras', file='Fil', code='Felkod', tools='Du måste använda återställningsverktyg. Kontakta '
                'administratören eller tillverkaren om du inte har några installationsmedia.', keys=('Tryck på Retur för att försöka igen', 'Tryck på F8 för startinställningar'))],
    'nl': [dict(title='Herstel', repair='Uw pc/apparaat moet worden hersteld', file='Bestand', code='Foutcode', tools='U moet de herstelprogramma\'s op uw '
                'installatiemedia gebruiken. Als u geen installatiemedia hebt (zoals een schijf of USB-apparaat), neemt u contact op met uw systeembeheerder of '
                'pc-fabrikant.', keys=('Druk op Esc voor herstel', 'Druk op Enter om het opnieuw te proberen')),
           dict(title='Herstel', repair='De pc/het apparaat moet worden gerepareerd', file='Bestand', code='Foutcode', tools='Gebruik de herstelhulpprogramma\'s. '
                'Neem contact op met de beheerder of de fabrikant als u geen installatiemedia hebt.', keys=('Druk op Enter om opnieuw te proberen', 'Druk op F8 voor opstartinstellingen'))],
    'fr': [dict(title='Récupération', repair='Votre ordinateur/périphérique doit être réparé', file='Fichier', code="Code d'erreur", tools='Vous devez utiliser les '
                "outils de récupération de votre support d'installation. Si vous n'avez pas de support d'installation (disque ou périphérique USB), contactez votre "
                'administrateur système ou le fabricant du PC.', keys=('Appuyez sur Échap pour la récupération', 'Appuyez sur Entrée pour réessayer')),
           dict(title='Récupération', repair='Votre PC doit être réparé', file='Fichier', code="Code d'erreur", tools="Vous devez utiliser des outils de récupération. "
                "Si vous n'avez aucun support d'installation, contactez votre administrateur ou le fabricant de l'appareil.",
                keys=('Appuyez sur Entrée pour réessayer', 'Appuyez sur F8 pour les paramètres de démarrage'))],
}

RAMDISK = {
    'en': ["There isn't enough memory available to create a ramdisk device."],
    'sv': ['Det finns inte tillräckligt med minne för att skapa en ramdisk-enhet.', 'Det finns inte tillräckligt med ledigt minne för att skapa en RAM-diskenhet.'],
    'nl': ['Er is onvoldoende geheugen beschikbaar voor het maken van een ramdisk-apparaat.', 'Er is niet genoeg geheugen beschikbaar om een RAM-schijf te maken.'],
    'fr': ["La mémoire disponible est insuffisante pour créer un périphérique ramdisk.", "Il n'y a pas assez de mémoire disponible pour créer un disque virtuel."],
}
MISSING = {
    'en': ['The application or operating system couldn\'t be loaded because a required file is missing or contains errors.'],
    'sv': ['Det gick inte att läsa in programmet eller operativsystemet eftersom en fil som krävs saknas eller innehåller fel.'],
    'nl': ['De toepassing of het besturingssysteem kan niet worden geladen omdat een vereist bestand ontbreekt of fouten bevat.'],
    'fr': ["L'application ou le système d'exploitation n'a pas pu être chargé, car un fichier requis est manquant ou contient des erreurs."],
}
OTHER_INFO = {
    'en': ['The boot selection failed because a required device is inaccessible.', 'An error occurred while attempting to read the boot configuration data.',
           "The operating system couldn't be loaded because the system registry file is missing or contains errors.",
           'Windows cannot verify the digital signature for this file.', "A required device isn't connected or can't be accessed.", 'An unexpected error has occurred.'],
    'sv': ['Startvalet misslyckades eftersom en enhet som krävs inte är tillgänglig.', 'Ett oväntat fel har inträffat.'],
    'nl': ['De opstartselectie is mislukt omdat een vereist apparaat niet toegankelijk is.', 'Er is een onverwachte fout opgetreden.'],
    'fr': ["Échec de la sélection de démarrage car un périphérique requis n'est pas accessible.", "Une erreur inattendue s'est produite."],
}
# Codes of boot screens that are not the article's, the first of them one or two strokes away from it.
OTHER_CODES = ['0xc0000011', '0xc0000077', '0xc0000007', '0xc0000019', '0xc0000012', '0xc0000047', '0xc0000117', '0xc0000717', '0xc00000d7', '0xc00000b7',
               '0xc0000818', '0xc000001f', '0xc0000001', '0xc000000d', '0xc000000e', '0xc000000f', '0xc0000034', '0xc0000098', '0xc00000ba', '0xc00000bb',
               '0xc00000e9', '0xc0000102', '0xc000014c', '0xc0000185', '0xc0000218', '0xc0000221', '0xc0000225', '0xc0000242', '0xc0000359', '0xc0000428',
               '0xc0000454', '0xc0210000', '0xc000007b', '0xc0000605', '0xc1900101', '0x80070017']
FILES = ['\\Boot\\BCD', '\\EFI\\Microsoft\\Boot\\BCD', '\\windows\\system32\\boot\\winload.exe', '\\Windows\\system32\\winload.efi', '\\Windows\\system32\\config\\system',
         '\\sources\\boot.wim', '\\Recovery\\WindowsRE\\Winre.wim', '']

STOP = {
    'en': ("Your PC ran into a problem and needs to restart. We're just collecting some error info, and then we'll restart for you.", '{}% complete',
           'For more information about this issue and possible fixes, visit https://www.windows.com/stopcode', 'If you call a support person, give them this info:', 'Stop code: {}'),
    'sv': ('Det uppstod ett problem med datorn och den måste startas om. Vi samlar bara in lite felinformation och startar sedan om åt dig.', '{} % slutfört',
           'Mer information om det här problemet och möjliga korrigeringar finns på https://www.windows.com/stopcode', 'Om du ringer en supporttekniker ger du dem den här informationen:', 'Stoppkod: {}'),
    'nl': ('Er is een probleem met uw pc opgetreden en de pc moet opnieuw worden opgestart. We verzamelen enkele foutgegevens en daarna starten we de pc opnieuw op.', '{}% voltooid',
           'Ga voor meer informatie over dit probleem en mogelijke oplossingen naar https://www.windows.com/stopcode', 'Als u een ondersteuningsmedewerker belt, geef dan deze info door:', 'Stopcode: {}'),
    'fr': ("Votre PC a rencontré un problème et doit redémarrer. Nous collectons simplement des informations relatives aux erreurs, puis nous allons redémarrer l'ordinateur.", '{} % effectués',
           "Pour plus d'informations sur ce problème et les correctifs possibles, visitez https://www.windows.com/stopcode", "Si vous appelez le support technique, donnez-leur ces informations :", "Code d'arrêt : {}"),
}
STOP_CODES = {'CRITICAL_PROCESS_DIED': '0x000000EF', 'INACCESSIBLE_BOOT_DEVICE': '0x0000007B', 'SYSTEM_THREAD_EXCEPTION_NOT_HANDLED': '0x0000007E',
              'UNMOUNTABLE_BOOT_VOLUME': '0x000000ED', 'REGISTRY_ERROR': '0x00000051', 'KMODE_EXCEPTION_NOT_HANDLED': '0x0000001E', 'NMI_HARDWARE_FAILURE': '0x00000080',
              'DRIVER_IRQL_NOT_LESS_OR_EQUAL': '0x000000D1', 'MEMORY_MANAGEMENT': '0x0000001A', 'PAGE_FAULT_IN_NONPAGED_AREA': '0x00000050'}
OLD_STOP = ['0x0000007B (0xFFFFF880009A97E8,0xFFFFFFFFC0000034,0x0000000000000000,0x0000000000000000)', '0x000000F4 (0x0000000000000003,0xFFFFFA8007C0F060,0xFFFFFA8007C0F340,0xFFFFF80002D8B0D0)',
            '0x00000050 (0xFFFFF6FC40017000,0x0000000000000000,0xFFFFF80002CC2B5C,0x0000000000000000)', '0x000000C1 (0xFFFFFFFFC0000017,0x0000000000000000,0x0000000000000000,0x0000000000000000)']

CHECK_DISK = {'en': 'Scanning and repairing drive (C:): {}% complete', 'sv': 'Skannar och reparerar enheten (C:): {} % slutfört',
              'nl': 'Station (C:) wordt gescand en gerepareerd: {}% voltooid', 'fr': 'Analyse et réparation du lecteur (C:) : {} % effectués'}
LOGIN = {'en': ('Press Ctrl+Alt+Delete to unlock.', 'Press Ctrl+Alt+Delete to sign in.'), 'sv': ('Tryck på Ctrl+Alt+Delete för att låsa upp.', 'Tryck på Ctrl+Alt+Delete för att logga in.'),
         'nl': ('Druk op Ctrl+Alt+Delete om te ontgrendelen.', 'Druk op Ctrl+Alt+Delete om u aan te melden.'), 'fr': ('Appuyez sur Ctrl+Alt+Suppr pour déverrouiller.', 'Appuyez sur Ctrl+Alt+Suppr pour vous connecter.')}
DATE = {'en': 'Tuesday, January 19', 'sv': 'tisdag 19 januari', 'nl': 'dinsdag 19 januari', 'fr': 'mardi 19 janvier'}
STARTING = {'en': 'Starting Windows', 'sv': 'Startar Windows', 'nl': 'Windows wordt gestart', 'fr': 'Démarrage de Windows'}

LINUX = ['''[    1.402761] systemd[1]: Started Journal Service.
[    1.634418] EXT4-fs (sda1): mounted filesystem with ordered data mode. Opts: (null)
[    2.110034] pci 0000:00:17.0: BAR 0: assigned [mem 0xc0000010-0xc00001ff]
[    2.110411] ACPI: \\_SB_.PCI0: notify handler is installed
[  OK  ] Reached target Multi-User System.

Debian GNU/Linux 12 web01 tty1

web01 login: _''', '''GNU GRUB  version 2.06

 *Debian GNU/Linux
  Advanced options for Debian GNU/Linux
  Windows Boot Manager (on /dev/sda1)
  UEFI Firmware Settings

   Use the up and down keys to select which entry is highlighted.
   Press enter to boot the selected OS, `e' to edit the commands
   before booting or `c' for a command-line.''', '''[    0.812345] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)
[    0.812399] CPU: 1 PID: 1 Comm: swapper/0 Not tainted 6.1.0-18-amd64 #1
[    0.812423] Call Trace:
[    0.812431]  dump_stack_lvl+0x44/0x5c
[    0.812467]  panic+0x118/0x2ed
[    0.812512]  mount_block_root+0x1d3/0x1e6
[    0.812623] ---[ end Kernel panic - not syncing: VFS: Unable to mount root fs ]---''', '''root@rescue:~# bcdedit
bash: bcdedit: command not found
root@rescue:~# hivexregedit --export BCD '\\Objects'
root@rescue:~# dmesg | grep -i c00000
[    0.000000] BIOS-e820: [mem 0x00000000c0000000-0x00000000cfffffff] reserved
root@rescue:~# _''']
CONSOLE = ['''C:\\Users\\azureadmin>bcdedit /store e:\\boot\\bcd /enum

Windows Boot Manager
--------------------
identifier              {bootmgr}
device                  partition=C:
description             Windows Boot Manager
locale                  en-US
default                 {default}
timeout                 30

Windows Boot Loader
-------------------
identifier              {default}
path                    \\Windows\\system32\\winload.exe
osdevice                partition=C:
allowedinmemorysettings 0x15000075''', '''Microsoft Windows [Version 10.0.20348.2113]
(c) Microsoft Corporation. All rights reserved.

C:\\>diskpart
DISKPART> list disk
  Disk 0    Online          127 GB      0 B        *
DISKPART> select disk 0
Disk 0 is now the selected disk.''', 'BOOTMGR is missing\nPress Ctrl+Alt+Del to restart', 'Reboot and Select proper Boot device\nor Insert Boot Media in selected Boot device and press a key',
           'Boot Failed. EFI SCSI Device.\n\nStart PXE over IPv4.\n\nNo Operating System was Loaded. Press a key to retry the boot sequence...']
PLEASE_WAIT = ['Applying Group Policy Local Users and Groups policy', 'Please wait for the Local Session Manager', 'Working on updates 30% complete. Don\'t turn off your computer.',
               'Getting Windows ready. Don\'t turn off your computer.', 'Undoing changes made to your computer', 'Please wait for the Group Policy Client']
