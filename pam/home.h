// SPDX-License-Identifier: MIT
//
// A missing home folder is made by PAM's own mkhomedir_helper, in a process of its
// own that the host program neither hears of nor can reap by accident.
#ifndef PAM_HOME_H
#define PAM_HOME_H

extern const char *home_helper_path; // a variable for unit tests only

// 0: it is there, or was made; -EPERM: missing, and this process is not root's;
// another -errno: there was no process for the helper; > 0: the helper's exit status.
int home_make(const char *name, const char *home);

#endif
