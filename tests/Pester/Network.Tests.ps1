# Networks and who is on them; simulated, so that it is the cmdlets that are tried. What guests see of them is tried with real ones elsewhere.

BeforeAll {
    Import-Module "$PSScriptRoot/Common.psm1"
    Enter-TestHome | Out-Null
    $image = (New-TestImage (Join-Path $TestHome vm.raw)).FullName
    foreach ($name in 'web1', 'web2', 'db 1') { Import-IaaSVm $image -Name $name | Out-Null }
    $corp = New-IaaSNetwork corp 10.20.0.0/24 -DnsSuffix Corp.Contoso.Example
    New-IaaSNetwork lab -Subnet 10.30.0.0/29 -Isolated | Out-Null
}

AfterAll { Exit-TestHome }

Describe 'New-IaaSNetwork' {
    It 'gives the network with its gateway, and lists it' {
        $corp.GatewayAddress | Should -Be 10.20.0.1
        $corp.DnsSuffix | Should -Be corp.contoso.example
        $corp.FreeAddresses | Should -Be 251
        (Get-IaaSNetwork c*).Id | Should -Be $corp.Id
        (Get-IaaSNetwork).Name | Should -Be corp, lab
    }

    It 'refuses a name that is taken, an impossible subnet and peers that overlap' {
        (Get-ErrorOf { New-IaaSNetwork Corp 10.99.0.0/24 -ErrorAction Stop }).FullyQualifiedErrorId | Should -BeLike 'NetworkNameTaken,*'
        (Get-ErrorOf { New-IaaSNetwork x 10.99.0.1/24 -ErrorAction Stop }).FullyQualifiedErrorId | Should -BeLike 'InvalidSubnet,*'
        (Get-ErrorOf { New-IaaSNetwork x 10.20.0.0/16 -Peer corp -ErrorAction Stop }).FullyQualifiedErrorId | Should -BeLike 'PeersOverlap,*'
        (Get-IaaSNetwork).Name | Should -Be corp, lab
    }

    It '-WhatIf makes none' {
        New-IaaSNetwork x 10.99.0.0/24 -WhatIf
        Get-IaaSNetwork x* | Should -BeNullOrEmpty
    }
}

Describe 'Join-IaaSNetwork and Exit-IaaSNetwork' {
    It 'fills address and name, from the pipeline too, and passes the machine on' {
        $vms = Get-IaaSVm web* | Join-IaaSNetwork corp | Start-IaaSVm -Wait
        $vms.IPAddress | Sort-Object | Should -Be 10.20.0.4, 10.20.0.5
        (Get-IaaSVm web1).ComputerName | Should -Be web1.corp.contoso.example
        (Get-IaaSVm web1).HostName | Should -Be web1.corp.contoso.example
        (Get-IaaSNetwork corp).Machines | Sort-Object | Should -Be web1, web2
    }

    It 'keeps the place over a restart, and when joined again' {
        $before = (Get-IaaSVm web2).IPAddress
        (Restart-IaaSVm web2).IPAddress | Should -Be $before
        (Join-IaaSNetwork corp web2).IPAddress | Should -Be $before
        (Invoke-IaaSFailover web2 -Kind Unplanned -Confirm:$false).Outcome | Should -Be Succeeded
        (Get-IaaSVm web2).IPAddress | Should -Be $before
    }

    It 'gives the address that is wanted, and refuses one that is taken' {
        $vm = Join-IaaSNetwork corp 'db 1' -IPAddress 10.20.0.40
        $vm.IPAddress, $vm.ComputerName | Should -Be 10.20.0.40, 'db-1.corp.contoso.example'
        $failure = Get-ErrorOf { Join-IaaSNetwork corp 'db 1' -IPAddress (Get-IaaSVm web1).IPAddress -ErrorAction Stop }
        $failure.FullyQualifiedErrorId | Should -BeLike 'AddressTaken,*'
        (Get-IaaSVm 'db 1').IPAddress | Should -Be 10.20.0.40
    }

    It 'gives a machine on two networks two adapters' {
        $vm = Join-IaaSNetwork lab 'db 1'
        $vm.NetworkAdapters.Network | Should -Be corp, lab
        $vm.NetworkAdapters.MacAddress | Select-Object -Unique | Should -HaveCount 2
        (Exit-IaaSNetwork 'db 1' lab).NetworkAdapters.Network | Should -Be corp, $null
        (Get-IaaSNetwork lab).Machines | Should -BeNullOrEmpty
    }

    It 'is a free place for the next when a machine has left' {
        $before = (Get-IaaSVm web1).IPAddress
        (Exit-IaaSNetwork web1).IPAddress | Should -BeNullOrEmpty
        (Join-IaaSNetwork corp web1).IPAddress | Should -Be $before
    }

    It 'says that there is no such network, and -WhatIf joins none' {
        (Get-ErrorOf { Join-IaaSNetwork nowhere web1 -ErrorAction Stop }).FullyQualifiedErrorId | Should -BeLike 'NetworkNotFound,*'
        Join-IaaSNetwork lab web1 -WhatIf
        (Get-IaaSNetwork lab).Machines | Should -BeNullOrEmpty
    }
}

Describe 'Ports' {
    It 'are waited for, and a machine on no network has none' {
        Start-IaaSVm web1 | Out-Null
        (Wait-IaaSVm web1 -For Port -Port 80).Name | Should -Be web1
        (Wait-IaaSVm web1 -For Ping).Name | Should -Be web1
        (Get-ErrorOf { Wait-IaaSVm web1 -For Port -ErrorAction Stop }).FullyQualifiedErrorId | Should -BeLike 'PortMissing,*'
        Exit-IaaSNetwork web1 | Out-Null
        (Get-ErrorOf { Wait-IaaSVm web1 -For Port -Port 80 -Timeout 1 -ErrorAction Stop }).FullyQualifiedErrorId | Should -BeLike 'VmOnNoNetwork,*'
        (Get-ErrorOf { Start-IaaSVm web1 -PublishPort 8080:80 -ErrorAction Stop }).FullyQualifiedErrorId | Should -BeLike 'VmOnNoNetwork,*'
    }

    It 'are checked by a failover, and by a rehearsal whose networks are gone afterwards' {
        (Invoke-IaaSFailover web2 -Kind Test -Check Port, Ping -Port 443).Checks.Name | Should -Be 'Port 443', 'Ping'
        (Get-IaaSNetwork).Name | Should -Be corp, lab
    }
}

Describe 'Set-IaaSNetwork and Remove-IaaSNetwork' {
    It 'peers both sides, and ends it on both' {
        (Set-IaaSNetwork corp -Peer lab).Peers | Should -Be lab
        (Get-IaaSNetwork lab).Peers | Should -Be corp
        Set-IaaSNetwork lab -Peer @() | Out-Null
        (Get-IaaSNetwork corp).Peers | Should -BeNullOrEmpty
    }

    It 'removes an empty network only' {
        (Get-ErrorOf { Remove-IaaSNetwork corp -ErrorAction Stop }).FullyQualifiedErrorId | Should -BeLike 'NetworkInUse,*'
        Remove-IaaSNetwork lab
        (Get-IaaSNetwork).Name | Should -Be corp
        (Get-IaaSNetwork corp).Machines | Exit-IaaSNetwork -Network corp | Out-Null
        Remove-IaaSNetwork c*
        Get-IaaSNetwork | Should -BeNullOrEmpty
    }
}
