# Sites: simulated, so that it is the cmdlets that are tried. What passes through real tunnels is tried elsewhere.

BeforeAll {
    Import-Module "$PSScriptRoot/Common.psm1"
    Enter-TestHome | Out-Null
    New-IaaSNetwork corp 10.20.0.0/24 -DnsSuffix corp.example | Out-Null
    $key = 'correct horse battery staple'
    $secret = [securestring]::new()
    $key.ToCharArray() | ForEach-Object { $secret.AppendChar($_) }
    $site = New-IaaSSite hq corp -Subnet 192.168.10.0/24, 192.168.12.0/24 -GatewayAddress 203.0.113.7 -LocalAddress 203.0.113.1 -SharedKey $secret -DhGroup ECP256
}

AfterAll { Exit-TestHome }

Describe 'New-IaaSSite and Get-IaaSSite' {
    It 'gives the site as Azure would describe it, and lists it' {
        $site.Network, $site.GatewayAddress, $site.LocalAddress, "$($site.Subnets)" | Should -Be corp, 203.0.113.7, 203.0.113.1, '192.168.10.0/24 192.168.12.0/24'
        $site.Policy.DhGroup, $site.Policy.IpsecEncryption, $site.Policy.SaLifetimeSeconds, $site.DpdTimeoutSeconds | Should -Be ECP256, GCMAES256, 27000, 45
        (Get-IaaSSite h*).Id | Should -Be $site.Id
        Get-IaaSSite x* | Should -BeNullOrEmpty
    }

    It 'says that a simulated fabric has no tunnels' {
        (Get-IaaSSite hq).State | Should -Be Unknown
        (Get-IaaSSite hq).LastError | Should -Match 'simulated'
    }

    It 'refuses what cannot work, and keeps nothing of it' {
        $good = @{ Network = 'corp'; Subnet = '172.16.0.0/16'; GatewayAddress = '203.0.113.9'; LocalAddress = '203.0.113.1'; ErrorAction = 'Stop' }
        (Get-ErrorOf { New-IaaSSite HQ @good }).FullyQualifiedErrorId | Should -BeLike 'SiteNameTaken,*'
        $good.Subnet = '10.20.0.0/16'
        (Get-ErrorOf { New-IaaSSite x @good }).FullyQualifiedErrorId | Should -BeLike 'SubnetsOverlap,*'
        $good.Network = 'nowhere'
        (Get-ErrorOf { New-IaaSSite x @good }).FullyQualifiedErrorId | Should -BeLike 'NetworkNotFound,*'
        (Get-ErrorOf { Get-IaaSSite x -ErrorAction Stop }).FullyQualifiedErrorId | Should -BeLike 'SiteNotFound,*'
        (Get-IaaSSite).Name | Should -Be hq
        @(Get-ChildItem (Join-Path (Get-IaaSContext | Where-Object IsCurrent).Path keys)).Count | Should -Be 1
    }

    It 'makes a key when none is given' {
        New-IaaSSite lab corp -Subnet 172.17.0.0/16 -GatewayAddress 203.0.113.8 -LocalAddress 203.0.113.1 | Out-Null
        (Get-IaaSSiteConfiguration lab Table -IncludeSecret | Where-Object Name -EQ 'Shared key').Value | Should -Match '^[0-9A-F]{64}$'
        Get-IaaSSite lab | Remove-IaaSSite
        (Get-IaaSSite).Name | Should -Be hq
    }

    It 'keeps the network while a site is joined to it' {
        (Get-ErrorOf { Remove-IaaSNetwork corp -ErrorAction Stop }).Exception.Message | Should -Match "Site 'hq'"
    }
}

Describe 'New-IaaSSite with a certificate' {
    BeforeAll {
        $ca = New-TestCertificate 'CN=CA' 90
        $own = New-TestCertificate 'CN=cloud' 30 $ca
        $caFile, $file, $oldFile = 'ca.pem', 'own.pfx', 'old.pfx' | ForEach-Object { Join-Path $TestHome $_ }
        Set-Content $caFile $ca.ExportCertificatePem()
        [IO.File]::WriteAllBytes($file, $own.Export('Pkcs12', $key))
        [IO.File]::WriteAllBytes($oldFile, (New-TestCertificate 'CN=cloud' -1 $ca).Export('Pkcs12', $key))
        $certified = @{ Subnet = '172.18.0.0/16'; GatewayAddress = '203.0.113.10'; LocalAddress = '203.0.113.1'; CaCertificate = $caFile; CertificatePassword = $secret; ErrorAction = 'Stop' }
    }

    It 'shows whose it is and until when, and has its key in a file for its owner alone' {
        $made = New-IaaSSite branch corp -Certificate $file -GatewayIdentity vpn.branch.example @certified
        $made.Authentication, $made.Certificate.Thumbprint, $made.LocalIdentity, $made.GatewayIdentity | Should -Be Certificate, $own.Thumbprint, CN=cloud, vpn.branch.example
        $listed = Get-IaaSSite branch
        $listed.Certificate.NotAfter.UtcDateTime | Should -Be $own.NotAfter.ToUniversalTime()
        $listed | Format-List | Out-String | Should -Match $own.Thumbprint
        Get-IaaSSiteConfiguration branch -IncludeSecret | Should -Match 'certs = corp.pem'
        (Get-IaaSSiteConfiguration branch Table).Name | Should -Not -Contain 'Shared key'
        $root = (Get-IaaSContext | Where-Object IsCurrent).Path
        $pem = [Security.Cryptography.X509Certificates.ECDsaCertificateExtensions]::GetECDsaPrivateKey($own).ExportPkcs8PrivateKeyPem().Split("`n")[1]
        $found = Get-ChildItem $root -Recurse -File -Exclude *.lock | Where-Object { [IO.File]::ReadAllText($_.FullName).Contains($pem) }
        $found.Directory.Name | Should -Be keys
        if (-not $IsWindows) { [IO.File]::GetUnixFileMode($found.FullName) -eq [IO.UnixFileMode]'UserRead, UserWrite' | Should -BeTrue }
        Remove-IaaSSite branch
        Test-Path $found.FullName | Should -BeFalse
    }

    It 'takes a list of revoked ones that is good, and refuses any other' {
        $list = Join-Path $TestHome ca.crl
        [IO.File]::WriteAllBytes($list, (New-TestRevocationList $ca 7))
        $made = New-IaaSSite branch corp -Certificate $file -RevocationList $list @certified
        $made.RevocationList | Should -Be $list
        Remove-IaaSSite branch
        foreach ($wrong in @(
                @{ Bytes = (New-TestRevocationList $ca -1); Id = 'RevocationListExpired'; Words = 'was good until \d{4}-' }
                @{ Bytes = (New-TestRevocationList $ca 7 $own); Id = 'CertificateRevoked'; Words = 'CN=cloud was revoked' }
                @{ Bytes = (New-TestRevocationList (New-TestCertificate 'CN=Other' 90) 7); Id = 'InvalidRevocationList'; Words = 'is the list of CN=Other, and not of CN=CA' }
                @{ Bytes = [byte[]](1, 2, 3); Id = 'InvalidRevocationList'; Words = 'no list of revoked certificates' })) {
            [IO.File]::WriteAllBytes($list, $wrong.Bytes)
            $refusal = Get-ErrorOf { New-IaaSSite branch corp -Certificate $file -RevocationList $list @certified }
            $refusal.FullyQualifiedErrorId | Should -BeLike "$($wrong.Id),*"
            $refusal.Exception.Message | Should -Match $wrong.Words
        }
        (Get-ErrorOf { New-IaaSSite branch corp -Certificate $file -RevocationList (Join-Path $TestHome nowhere.crl) @certified }).FullyQualifiedErrorId | Should -BeLike 'RevocationListNotReadable,*'
        (Get-IaaSSite).Name | Should -Be hq
    }

    It 'refuses one that has expired, and keeps nothing of it' {
        $refusal = Get-ErrorOf { New-IaaSSite branch corp -Certificate $oldFile @certified }
        $refusal.FullyQualifiedErrorId | Should -BeLike 'CertificateExpired,*'
        $refusal.Exception.Message | Should -Match 'CN=cloud .* expired on \d{4}-'
        $certified.CertificatePassword = [securestring]::new()
        (Get-ErrorOf { New-IaaSSite branch corp -Certificate $file @certified }).FullyQualifiedErrorId | Should -BeLike 'InvalidCertificate,*'
        (Get-IaaSSite).Name | Should -Be hq
    }
}

Describe 'New-IaaSSite with a key from a vault' {
    It 'takes what Get-Secret gives' {
        # Of the shape of Microsoft.PowerShell.SecretManagement: a SecureString unless -AsPlainText is given.
        $vault = New-Module -Name FakeVault {
            function Get-Secret([Parameter(Position = 0)][string]$Name, [string]$Vault, [switch]$AsPlainText) { if ($Name -eq 'hq-key' -and -not $AsPlainText) { $Stored } }
        }
        & $vault { $script:Stored = $args[0] } $secret
        try {
            New-IaaSSite vaulted corp -Subnet 172.19.0.0/16 -GatewayAddress 203.0.113.11 -LocalAddress 203.0.113.1 -SharedKey (Get-Secret hq-key) | Out-Null
            (Get-IaaSSiteConfiguration vaulted Table -IncludeSecret | Where-Object Name -EQ 'Shared key').Value | Should -Be $key
        }
        finally {
            Remove-IaaSSite vaulted
            Remove-Module $vault
        }
    }
}

Describe 'Get-IaaSSiteConfiguration' {
    It 'shows a placeholder, and the key only when asked' {
        Get-IaaSSiteConfiguration hq | Should -Match 'secret = "REPLACE'
        (Get-IaaSSiteConfiguration hq Table).Value | Should -Contain REPLACE-WITH-THE-SHARED-KEY
        Get-IaaSSiteConfiguration hq StrongSwan -IncludeSecret | Should -Match ([Convert]::ToBase64String([Text.Encoding]::ASCII.GetBytes($key)))
        (Get-IaaSSiteConfiguration hq Table -IncludeSecret).Value | Should -Contain $key
    }

    It 'writes a file for its owner alone, and replaces none unasked' {
        $path = Join-Path $TestHome swanctl.conf
        $file = Get-IaaSSiteConfiguration hq -Path $path -IncludeSecret
        $file.FullName | Should -Be $path
        if (-not $IsWindows) { [IO.File]::GetUnixFileMode($path) -eq [IO.UnixFileMode]'UserRead, UserWrite' | Should -BeTrue }
        (Get-ErrorOf { Get-IaaSSiteConfiguration hq -Path $path -ErrorAction Stop }).FullyQualifiedErrorId | Should -BeLike 'FileExists,*'
        Get-IaaSSiteConfiguration hq -Path $path -Force | Out-Null
        Get-Content $path -Raw | Should -Match REPLACE
    }

    It 'has the key nowhere but in its file' {
        $root = (Get-IaaSContext | Where-Object IsCurrent).Path
        $found = Get-ChildItem $root -Recurse -File -Exclude *.lock | Where-Object { [IO.File]::ReadAllText($_.FullName).Contains($key) }
        $found.Directory.Name | Should -Be keys
    }
}

Describe 'Test-IaaSDomainJoin' {
    It 'says what it could not see, and what is in the way before anything is asked' {
        $report = 'corp' | Test-IaaSDomainJoin contoso.example
        $report.Network, $report.Domain, $report.Verdict | Should -Be corp, contoso.example, Unknown
        $report.Findings[0].Rule | Should -Be NothingAsked
        (Test-IaaSDomainJoin corp.example corp).Verdict | Should -Be NotReady
        (Test-IaaSDomainJoin corp.example corp).Findings.Remedy | Should -Match 'cloud.corp.example'
    }

    It 'refuses what is no domain, and a network that is not there' {
        (Get-ErrorOf { Test-IaaSDomainJoin 'no domain' corp -ErrorAction Stop }).FullyQualifiedErrorId | Should -BeLike 'InvalidDnsSuffix,*'
        (Get-ErrorOf { Test-IaaSDomainJoin contoso.example nowhere -ErrorAction Stop }).FullyQualifiedErrorId | Should -BeLike 'NetworkNotFound,*'
    }
}
