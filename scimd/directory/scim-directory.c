// SPDX-License-Identifier: MIT
//
// scim-directory: a SCIM 2.0 service provider. main, and nothing else.
#include "scimd/directory/admin.h"

int main(int argc, char **argv)
{
	return admin_main(argc, argv);
}
