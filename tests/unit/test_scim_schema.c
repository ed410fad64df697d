#include "tests/unit/scimbox.h"
int main(void){(void)json_of;(void)resource_of;(void)text_of;return 0;}
