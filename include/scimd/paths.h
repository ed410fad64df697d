// SPDX-License-Identifier: MIT
//
// The paths compiled into every program and module. The modules read only
// these: no environment variable and no configuration moves them.
#ifndef SCIMD_PATHS_H
#define SCIMD_PATHS_H

#ifndef SCIMD_SYSCONFDIR
#define SCIMD_SYSCONFDIR "/etc"
#endif

#define SCIMD_CONF SCIMD_SYSCONFDIR "/scimd/scimd.conf"
#define SCIMD_CREDENTIALS SCIMD_SYSCONFDIR "/scimd/credentials.d"
#define SCIMD_HOOKS SCIMD_SYSCONFDIR "/scimd/hooks.d"
#define SCIMD_STATE_DIR "/var/lib/scimd"
#define SCIMD_IMAGE_NAME "accounts.image"
#define SCIMD_IMAGE SCIMD_STATE_DIR "/" SCIMD_IMAGE_NAME
#define SCIMD_PRIVATE_NAME "private"
#define SCIMD_SOCKET "/run/scimd/scimd.sock"

#endif
