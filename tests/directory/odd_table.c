extern int odd_x;
