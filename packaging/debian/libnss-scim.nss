passwd after=files,compat scim
group  after=files,compat scim
